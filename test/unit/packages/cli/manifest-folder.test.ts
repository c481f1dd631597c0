import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { readManifestFolder } from "../../../../packages/cli/src/push/manifest-folder.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function write(manifest: unknown): string {
  const parent = mkdtempSync(join(tmpdir(), "onnxflare-manifest-"));
  folders.push(parent);
  const folder = join(parent, "model");
  mkdirSync(folder);
  writeFileSync(join(parent, "secret.txt"), "secret");
  writeFileSync(join(folder, "labels.txt"), "a\nb\n");
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  return folder;
}

test("the files that a manifest lists are those of its folder", async () => {
  const folder = write({ files: [{ path: "labels.txt" }] });
  const { files } = await readManifestFolder(folder);
  expect(files).toEqual([{ path: "labels.txt", file: join(folder, "labels.txt"), sizeBytes: 4 }]);
});

test.each(["../secret.txt", "a/../../secret.txt", "x\u2028/../../secret.txt", "./labels.txt"])(
  "a manifest cannot list %j",
  async (path) => {
    await expect(readManifestFolder(write({ files: [{ path }] }))).rejects.toMatchObject({
      reason: "usage",
      message: expect.stringContaining("which is no path in its folder"),
    });
  },
);

test("a manifest cannot list the path of a file of this machine", async () => {
  const folder = write({});
  const path = join(folder, "labels.txt");
  writeFileSync(join(folder, "manifest.json"), JSON.stringify({ files: [{ path }] }));
  await expect(readManifestFolder(folder)).rejects.toMatchObject({ reason: "usage" });
});
