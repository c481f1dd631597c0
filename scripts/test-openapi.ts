import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { runProgram } from "../packages/cli/src/local/run-program.ts";
import { seedModels } from "../packages/cli/src/local/seed.ts";
import { createTemporaryFolder } from "../packages/cli/src/local/temporary-folder.ts";
import { exitWith, UserError } from "../packages/cli/src/local/user-error.ts";
import type { ModelId } from "../src/domain/model-id.ts";
import type { OpenApiDocument } from "../src/protocols/openapi/openapi-types.ts";
import { fileKey, manifestKey } from "../src/storage/model-keys.ts";
import { buildWorker } from "./build-worker.ts";
import { exitOnSignal } from "./exit-on-signal.ts";
import { type ModelBucket, startLocalWorker } from "./local-worker.ts";
import { projectPath } from "./project.ts";
import { preparePython } from "./python-environment.ts";
import { testGeneratedClients } from "./test-generated-clients.ts";

/**
 * `npm run test:openapi [-- schemathesis arguments]`: lints `/openapi.json` of the built Worker with the
 * rules of Redocly, generates clients of it and predicts with them, and tests the Worker with requests that schemathesis generates from the document: no
 * server error, and no status, header, media type or field that the document does not declare. The settings
 * are in test/openapi; the Python packages are installed into node_modules/.cache.
 *
 * PYTHON   the Python that creates the environment (default python3)
 */
exitOnSignal();

const settings = projectPath("test", "openapi");

await testOpenApi(process.argv.slice(2)).catch(exitWith);

async function testOpenApi(args: readonly string[]): Promise<void> {
  const python = await preparePython(
    projectPath("node_modules", ".cache", "onnxflare-openapi", "python"),
    join(settings, "requirements.txt"),
    (line) => console.log(`onnxflare: ${line}`),
  );
  const folder = createTemporaryFolder("openapi");
  const outdir = join(folder, "build");
  await buildWorker(outdir);
  const adminKey = randomUUID();
  const worker = await startLocalWorker({
    outdir,
    // New versions are served at once, as the requests after a publication expect.
    vars: {
      ADMIN_KEY: adminKey,
      PRIVACY_KEY: randomBytes(32).toString("base64"),
      EVENT_LOG: "off",
      CATALOG_TTL_SECONDS: "0",
    },
  });
  try {
    const bucket = await worker.bucket();
    await seedModels(bucket, projectPath("models"));
    await copyVersion(bucket, { name: "iris-logistic", version: "1" }, "2");
    const file = join(folder, "openapi.json");
    const document = await readDocument(worker.url);
    writeFileSync(file, JSON.stringify(document, null, 2));
    await lint(file);
    await testGeneratedClients({ document: file, origin: worker.url.origin, python, folder });
    const keyIds = [await createKey(worker.url, adminKey), await createKey(worker.url, adminKey)];
    await checkResponses(python, file, worker.url, adminKey, { document, folder, args, keyIds });
  } finally {
    await worker.dispose();
  }
}

/** Changes of routing need a model of two versions. */
async function copyVersion(bucket: ModelBucket, id: ModelId, version: string): Promise<void> {
  const prefix = fileKey(id, "");
  const target = { name: id.name, version };
  const { objects } = await bucket.list({ prefix });
  for (const { key } of objects) {
    const object = await bucket.get(key);
    if (!object) throw new Error(`${key} is missing`);
    const bytes = Buffer.from(await object.arrayBuffer());
    const isManifest = key === manifestKey(id);
    const copy = isManifest
      ? JSON.stringify({ ...JSON.parse(bytes.toString("utf8")), version })
      : bytes;
    await bucket.put(fileKey(target, key.slice(prefix.length)), copy);
  }
}

/** @returns its id */
async function createKey(url: URL, adminKey: string): Promise<string> {
  const response = await fetch(new URL("/admin/keys", url), {
    method: "POST",
    headers: { authorization: `Bearer ${adminKey}` },
    body: JSON.stringify({ name: "of the test", scopes: ["predict"] }),
  });
  if (response.ok) return ((await response.json()) as { id: string }).id;
  throw new UserError(`no API key could be created:\n${await response.text()}`);
}

async function readDocument(url: URL): Promise<OpenApiDocument> {
  const response = await fetch(new URL("/openapi.json", url));
  if (response.ok) return (await response.json()) as OpenApiDocument;
  throw new UserError(`/openapi.json responded ${response.status}:\n${await response.text()}`);
}

async function lint(file: string): Promise<void> {
  const redocly = createRequire(import.meta.url).resolve("@redocly/cli/bin/cli.js");
  const config = join(settings, "redocly.yaml");
  const env = {
    ...process.env,
    REDOCLY_TELEMETRY: "off",
    REDOCLY_SUPPRESS_UPDATE_NOTICE: "true",
  };
  const { code } = await runProgram(process.execPath, [redocly, "lint", file, "--config", config], {
    stdio: "inherit",
    env,
  });
  if (code !== 0) throw new UserError("the document violates the rules above");
}

interface Run {
  readonly document: OpenApiDocument;
  /** Working directory of schemathesis. */
  readonly folder: string;
  /** Arguments for schemathesis in addition to its settings. */
  readonly args: readonly string[];
  /** Of API keys that there are: one to be read and changed, and one to be revoked. */
  readonly keyIds: readonly string[];
}

async function checkResponses(
  python: string,
  file: string,
  { origin }: URL,
  adminKey: string,
  { document, folder, args, keyIds: [keyId, revokedKeyId] }: Run,
): Promise<void> {
  const statusesFile = join(folder, "statuses.json");
  const config = join(folder, "schemathesis.toml");
  const template = readFileSync(join(settings, "schemathesis.toml"), "utf8");
  writeFileSync(config, template.replace("KEY_ID", keyId ?? ""));
  const { code } = await runProgram(
    python,
    [
      ...["-m", "schemathesis.cli", "--config-file", config],
      ...["run", file, "--url", origin, ...args],
    ],
    {
      cwd: folder,
      stdio: "inherit",
      env: {
        ...process.env,
        PYTHONPATH: settings,
        PYTHONDONTWRITEBYTECODE: "1",
        ONNXFLARE_ADMIN_KEY: adminKey,
        ONNXFLARE_KEY_ID: keyId,
        ONNXFLARE_REVOKED_KEY_ID: revokedKeyId,
        ONNXFLARE_STATUSES: statusesFile,
      },
    },
  );
  if (code !== 0)
    throw new UserError("responses of the Worker differ from the document, see above");
  if (args.length > 0) return;
  const statuses: [operationId: string, status: number][] = JSON.parse(
    readFileSync(statusesFile, "utf8"),
  );
  const successful = new Set(
    statuses.flatMap(([operationId, status]) => (status < 300 ? [operationId] : [])),
  );
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  // Extensions that are not supported have no successful response.
  const answerable = operations.filter(({ responses }) =>
    Object.keys(responses).some((status) => status.startsWith("2")),
  );
  // The bucket is not encrypted.
  const untested = answerable.filter(
    ({ operationId }) => !successful.has(operationId) && operationId !== "encryptObjects",
  );
  if (untested.length > 0)
    throw new UserError(
      `operations without a successful response: ${untested.map(({ operationId }) => operationId).join(", ")}`,
    );
  console.log(
    `onnxflare: each of ${answerable.length} operations had a successful response, and ${operations.length - answerable.length} are documented without one`,
  );
}
