import { parse } from "smol-toml";
import { expect, test } from "vitest";
import { setNamespaceId } from "../../../../../packages/cli/src/project/project-config.ts";

const ID = "0123456789abcdef0123456789abcdef";

test.each([
  [
    "what stands in its place",
    '# a\n[[kv_namespaces]]\nbinding = "CACHE" # b\nid = "<id>" # c\n# d\n\n[vars]\nid = "other"\n',
    `# a\n[[kv_namespaces]]\nbinding = "CACHE" # b\nid = "${ID}" # c\n# d\n\n[vars]\nid = "other"\n`,
  ],
  [
    "nothing",
    "[[kv_namespaces]]\nbinding = 'CACHE'\n[vars]\nid = \"other\"\n",
    `[[kv_namespaces]]\nbinding = 'CACHE'\nid = "${ID}"\n[vars]\nid = "other"\n`,
  ],
  [
    "an id before the binding, of the second namespace",
    '[[kv_namespaces]]\nid = "1"\nbinding = "OTHER"\n\n[[kv_namespaces]]\nid="a#b"\nbinding = "CACHE"',
    `[[kv_namespaces]]\nid = "1"\nbinding = "OTHER"\n\n[[kv_namespaces]]\nid = "${ID}"\nbinding = "CACHE"`,
  ],
  [
    "an id in a file with the line ends of Windows",
    '[[kv_namespaces]]\r\nbinding = "CACHE"\r\nid = "<id>"\r\nremote = true\r\n',
    `[[kv_namespaces]]\r\nbinding = "CACHE"\r\nid = "${ID}"\r\nremote = true\r\n`,
  ],
])("writes the id of a namespace in place of %s", (_, before, after) => {
  const written = setNamespaceId(before, "CACHE", ID);
  expect(written).toBe(after);
  expect(parse(written ?? "").kv_namespaces).toContainEqual(
    expect.objectContaining({ binding: "CACHE", id: ID }),
  );
});

test.each([
  ["another binding", '[[kv_namespaces]]\nbinding = "OTHER"\nid = "1"\n'],
  ["an inline table", 'kv_namespaces = [{ binding = "CACHE", id = "1" }]\n'],
  ["a comment", '# [[kv_namespaces]]\n# binding = "CACHE"\n'],
])("writes nothing for %s", (_, text) => {
  expect(setNamespaceId(text, "CACHE", ID)).toBeUndefined();
});
