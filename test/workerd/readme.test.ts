import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import { type Service, startService } from "../support/service.ts";

/** The README's commands as written, except for the port; `npm start` itself is driven in test/scripts. */
const README_ORIGIN = "http://127.0.0.1:8787";

const readme = readFileSync(projectPath("README.md"), "utf8");
const blocks = [...readme.matchAll(/```(sh|json)\n(.*?)```/gs)].map(([, language, text = ""]) => ({
  language,
  text,
}));
const requests = blocks.flatMap(({ language, text }, index) => {
  const next = blocks[index + 1];
  if (language !== "sh" || !text.startsWith("curl")) return [];
  return [
    { command: text, response: next?.language === "json" ? JSON.parse(next.text) : undefined },
  ];
});

/** Those that publish; test/workerd/lifecycle-page.test.ts makes a project and goes on from there. */
const commandLines = blocks.filter(({ text }) => text.startsWith("npx onnxflare push"));

let service: Service;
beforeAll(async () => {
  service = await startService({ vars: { ADMIN_KEY: "local-admin-key" } });
});
afterAll(() => service.dispose());

function run(command: string): string {
  const here = command.replaceAll(README_ORIGIN, service.origin);
  const env = {
    ...process.env,
    ONNXFLARE_URL: service.origin,
    ONNXFLARE_KEY: "local-admin-key",
  };
  return execFileSync("sh", ["-e", "-c", here], { cwd: projectPath(), encoding: "utf8", env });
}

describe("README", () => {
  test("the README has example requests", () => {
    expect(requests.length).toBeGreaterThanOrEqual(4);
  });

  test.each(requests)("the README command works: $command", ({ command, response }) => {
    const printed = JSON.parse(run(command));
    if (response) expect(printed).toEqual(response);
    // Every error has a code, whatever its form.
    else {
      expect(printed).not.toHaveProperty("code");
      expect(printed).not.toHaveProperty("error");
    }
  });

  test("the README's commands that publish work", () => {
    expect(commandLines).toHaveLength(1);
    for (const { text } of commandLines) {
      const printed = run(text);
      expect(printed).toContain("published my-digits version 1, my-digits@canary");
      expect(printed).toContain("my-digits@production: version 1");
    }
  });

  test("the npm scripts in the README exist", () => {
    const { scripts } = JSON.parse(readFileSync(projectPath("package.json"), "utf8"));
    const named = [...readme.matchAll(/npm (?:run )?([a-z][a-z:-]*)/g)].map(
      ([, name = ""]) => name,
    );
    const builtIn = ["ci", "install"];
    const missing = named.filter((name) => !(name in scripts) && !builtIn.includes(name));
    expect(missing).toEqual([]);
  });

  test("the links in the README lead to files", () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = ""]) => path);
    expect(links.length).toBeGreaterThan(10);
    for (const path of links) expect(() => execFileSync("ls", [projectPath(path)])).not.toThrow();
  });
});
