import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { expect, test } from "vitest";
import { deriveWranglerToml } from "../../../../../packages/cli/src/project/derive-wrangler-toml.ts";
import { projectPath } from "../../../../../scripts/project.ts";

const repository = readFileSync(projectPath("wrangler.toml"), "utf8");

test("a project has everything of the repository's wrangler.toml, but how onnxflare is built", () => {
  const { build, define, alias, assets, ...rest } = parse(repository);
  expect([build, define, alias]).not.toContain(undefined);
  expect(parse(deriveWranglerToml(repository))).toEqual({
    ...rest,
    assets: { ...(assets as object), directory: "node_modules/onnxflare/dist/assets" },
  });
});

test("the comments stay, and the documents that they name are those of the package", () => {
  const derived = deriveWranglerToml(repository);
  expect(derived).toContain("# Cached predictions: ");
  expect(derived).toContain(" node_modules/onnxflare/dist/docs/configuration.md ");
  expect(derived).not.toMatch(/(?:^|[^/])docs\//m);
});

test("a paragraph is of the section that it begins, or of the last one", () => {
  const derived = deriveWranglerToml(`name = "a"

# One.
[define]
x = "1"

# Still of define.
y = "2"

[[r2_buckets]]
binding = "B"

# Of the bucket.
bucket_name = "b"
[alias]
z = "3"
`);
  expect(derived).toBe(`name = "a"

[[r2_buckets]]
binding = "B"
`);
});
