import { describe, expect, it } from "vitest";
import {
  AUTHORITY,
  COLLECTOR,
  objectProblems,
} from "../../../../../packages/cli/src/project/check-objects.ts";
import type { ProjectConfig } from "../../../../../packages/cli/src/project/project-config.ts";

const CONFIG: ProjectConfig = {
  compatibility_flags: [],
  vars: {},
  r2_buckets: [],
  kv_namespaces: [],
};
const bound = (class_name: string, script_name?: string): ProjectConfig => ({
  ...CONFIG,
  durable_objects: { bindings: [{ name: "KEYS", class_name, script_name }] },
});

function problemsOf(config: ProjectConfig, object = AUTHORITY): string[] {
  return [...objectProblems(object, config, "wrangler.toml")].map(
    ({ status, message }) => `${status}: ${message}`,
  );
}

describe("objectProblems", () => {
  it.each<[string, ProjectConfig["migrations"]]>([
    ["created", [{ new_sqlite_classes: ["KeyAuthority"] }]],
    [
      "created before others",
      [{ new_sqlite_classes: ["KeyAuthority"] }, { new_sqlite_classes: ["A"] }],
    ],
    [
      "created under another name",
      [
        { new_sqlite_classes: ["Keys"] },
        { renamed_classes: [{ from: "Keys", to: "KeyAuthority" }] },
      ],
    ],
    ["moved from another Worker", [{ transferred_classes: [{ to: "KeyAuthority" }] }]],
  ])("finds nothing wrong with a class that was %s", (_, migrations) => {
    expect(problemsOf({ ...bound("KeyAuthority"), migrations })).toEqual([]);
  });

  it("finds nothing wrong with a class of another Worker", () => {
    expect(problemsOf(bound("KeyAuthority", "keys"))).toEqual([]);
  });

  it("warns of a Worker without the binding", () => {
    const other = { name: "OTHER", class_name: "KeyAuthority" };
    for (const config of [CONFIG, { ...CONFIG, durable_objects: { bindings: [other] } }])
      expect(problemsOf(config)).toEqual([
        "warn: wrangler.toml has no Durable Object binding KEYS: there are no API keys but the secret ADMIN_KEY",
      ]);
  });

  it("warns of each of the objects by its own names", () => {
    const both = {
      ...bound("KeyAuthority"),
      migrations: [{ new_sqlite_classes: ["KeyAuthority"] }],
    };
    const [problem] = objectProblems(COLLECTOR, both, "wrangler.toml");
    expect(problem).toEqual({
      status: "warn",
      message:
        "wrangler.toml has no Durable Object binding METRICS: nothing is collected of all isolates",
      remedy: expect.stringContaining('new_sqlite_classes = ["MetricsCollector"]'),
    });
  });

  it.each<[string, ProjectConfig["migrations"], string]>([
    ["that nothing creates", [], "no migration that creates KeyAuthority"],
    [
      "where another one is created",
      [{ new_sqlite_classes: ["Keys"] }],
      "no migration that creates KeyAuthority",
    ],
    [
      "that has its former name",
      [
        { new_sqlite_classes: ["KeyAuthority"] },
        { renamed_classes: [{ from: "A", to: "KeyAuthority" }] },
      ],
      "no migration that creates KeyAuthority",
    ],
    [
      "without a database",
      [{ new_classes: ["KeyAuthority"] }],
      "creates KeyAuthority, the class of KEYS, without a database",
    ],
  ])("refuses a class %s", (_, migrations, problem) => {
    const found = problemsOf({ ...bound("KeyAuthority"), migrations });
    expect(found).toEqual([expect.stringContaining(problem)]);
    expect(found[0]).toMatch(/^fail: /);
  });
});
