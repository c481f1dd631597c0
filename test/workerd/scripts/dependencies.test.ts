import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createGunzip } from "node:zlib";
import { build } from "esbuild";
import { afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { createBillOfMaterials, validate } from "../../../scripts/bill-of-materials.ts";
import { projectPath } from "../../../scripts/project.ts";
import type { BillOfMaterials } from "../../../scripts/shipped-components.ts";

/** The audit of dependencies against registries of its own, and the bill of materials against what is really bundled. */

describe("the audit", () => {
  const closers: (() => void)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  /** A registry that knows of these advisories, by package. @returns its address, and the packages asked about, by question */
  async function startRegistry(
    severities: Readonly<Record<string, string>>,
    status = 200,
  ): Promise<{ origin: string; questions: string[][] }> {
    const questions: string[][] = [];
    const server = createServer(async (request, response) => {
      if (request.method !== "POST") return void response.writeHead(404).end();
      const packages: string[] = Object.keys(JSON.parse(await bodyOf(request)));
      questions.push(packages);
      const told = packages.flatMap((name) => {
        const severity = severities[name];
        const url = `https://advisories.test/${name}`;
        const advisory = { id: 1, url, title: "Planted", severity, vulnerable_versions: "<=999" };
        return severity ? [[name, [{ ...advisory, cwe: [], cvss: { score: 5 } }]]] : [];
      });
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(Object.fromEntries(told)));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(
      () => void server.closeAllConnections(),
      () => void server.close(),
    );
    return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, questions };
  }

  test("fails for a vulnerability in what the Worker contains, and names it", async () => {
    const { origin, questions } = await startRegistry({ zod: "moderate", hono: "low" });
    const { code, output } = await audit(origin);
    expect(code).toBe(1);
    expect(output).toContain("the Worker and the client: moderate, zod <=999: Planted");
    expect(output).toContain("below the level: low, hono <=999: Planted");
    expect(output).not.toContain("client: low");
    expect(questions[0]).toEqual(expect.arrayContaining(Object.keys(dependenciesOf("."))));
  });

  test("fails for a vulnerability in what the command line bundles", async () => {
    const { origin, questions } = await startRegistry({ commander: "high" });
    const { code, output } = await audit(origin);
    expect(code).toBe(1);
    expect(output).toContain("the command line: high, commander <=999: Planted");
    const bundled = Object.keys(dependenciesOf("packages/cli", "devDependencies"));
    expect(questions[1]).toEqual(expect.arrayContaining(bundled));
  });

  test("fails for a critical vulnerability in a tool, and tells of others", async () => {
    const { origin } = await startRegistry({ vitest: "critical", typescript: "high" });
    const { code, output } = await audit(origin);
    expect(code).toBe(1);
    expect(output).toContain("the tools of development: critical, vitest <=999: Planted");
    expect(output).toContain("below the level: high, typescript <=999: Planted");
  });

  test("passes when the registry knows of none", async () => {
    const { origin, questions } = await startRegistry({});
    const { code, output } = await audit(origin);
    expect({ code, output }).toEqual({
      code: 0,
      output: `${[
        "onnxflare: no known vulnerability of severity moderate or above in the Worker and the client",
        "onnxflare: no known vulnerability of severity moderate or above in the command line",
        "onnxflare: no known vulnerability of severity critical or above in the tools of development",
      ].join("\n")}\n`,
    });
    expect(questions).toHaveLength(3);
  });

  test.each([405, 503])("goes on when the registry answers %i, and says so", async (status) => {
    const { origin } = await startRegistry({ zod: "critical" }, status);
    const { code, output } = await audit(origin);
    expect(code).toBe(0);
    expect(output).toMatch(
      new RegExp(`^onnxflare: NOT AUDITED: the registry does not .+\\(${status} .+\\)\\n$`),
    );
  });

  test("goes on when the registry cannot be reached, and says so", async () => {
    const { origin } = await startRegistry({});
    for (const close of closers.splice(0)) close();
    const { code, output } = await audit(origin);
    expect(code).toBe(0);
    expect(output).toContain("NOT AUDITED");
    expect(output).toContain("ECONNREFUSED");
  });
});

describe("the bill of materials", () => {
  let bill: BillOfMaterials;

  beforeAll(async () => {
    bill = await createBillOfMaterials();
  });

  test("has the packages of which the Worker and the command line have code, by version and digest", async () => {
    const packages = new Set([...packagesOfWorker(), ...(await packagesOfCommandLine())]);
    expect(packages).toContain("hono");
    expect(packages).toContain("commander");
    const lock = JSON.parse(readFileSync(projectPath("package-lock.json"), "utf8"));
    for (const name of packages) {
      const component = bill.components.find((each) => each.name === name);
      const places = [
        `packages/cli/node_modules/${name}`,
        `node_modules/${name}`,
        // Of a package that has its own.
        ...Object.keys(lock.packages).filter((place) => place.endsWith(`/node_modules/${name}`)),
      ].filter((place) => lock.packages[place]);
      const used = places.find((place) => !lock.packages[place].dev) ?? places[0] ?? "";
      const locked = lock.packages[used];
      const [, digest = ""] = locked.integrity.split("sha512-");
      const hex = Buffer.from(digest, "base64").toString("hex");
      expect(component, name).toMatchObject({
        version: locked.version,
        scope: "required",
        hashes: [{ alg: "SHA-512", content: hex }],
      });
    }
  });

  test("has no tool of development", () => {
    const names = bill.components.map(({ name }) => name);
    for (const tool of ["vitest", "wrangler", "typescript", "miniflare", "@biomejs/biome"])
      expect(names).not.toContain(tool);
  });

  test("refers only to components that it has", () => {
    const refs = new Set(bill.components.map((each) => each["bom-ref"]));
    expect(refs.size).toBe(bill.components.length);
    const unknown = bill.dependencies
      .flatMap(({ dependsOn }) => dependsOn)
      .filter((ref) => !refs.has(ref));
    expect(unknown).toEqual([]);
  });

  test("is refused when it is not CycloneDX", async () => {
    await validate(bill);
    const [first, ...others] = bill.components;
    const invalid = { ...bill, components: [{ ...first, scope: "shipped" }, ...others] };
    await expect(validate(invalid)).rejects.toThrow(/not valid CycloneDX: .*scope/);
    await expect(validate({ ...bill, specVersion: 1.5 })).rejects.toThrow(/specVersion/);
  });
});

function bodyOf(request: IncomingMessage): Promise<string> {
  return text(
    request.headers["content-encoding"] === "gzip" ? request.pipe(createGunzip()) : request,
  );
}

/** Runs the script in another process, because the registry is in this one. */
async function audit(registry: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [projectPath("scripts", "audit.ts")], {
    env: { ...process.env, npm_config_registry: registry },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once("close", resolve)),
  ]);
  return { code, output: out + err };
}

function dependenciesOf(folder: string, field = "dependencies"): Record<string, string> {
  return JSON.parse(readFileSync(projectPath(folder, "package.json"), "utf8"))[field];
}

/** By the source map of the bundle that the tests run. */
function packagesOfWorker(): string[] {
  const folder = inject("workerBuild");
  const { sources } = JSON.parse(readFileSync(join(folder, "index.js.map"), "utf8"));
  return packagesOf(sources);
}

async function packagesOfCommandLine(): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [projectPath("packages", "cli", "src", "main.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    metafile: true,
    write: false,
  });
  return packagesOf(Object.keys(metafile.inputs));
}

function packagesOf(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const [, name] = path.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)\//) ?? [];
    return name ? [name] : [];
  });
}
