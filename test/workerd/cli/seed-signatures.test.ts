import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seedModels } from "../../../packages/cli/src/local/seed.ts";
import {
  generateSigningKeys,
  writeSigningKeys,
} from "../../../packages/cli/src/signing/generate-keys.ts";
import { readSigningKey, signVersion } from "../../../packages/cli/src/signing/sign-version.ts";
import { projectPath } from "../../../scripts/project.ts";
import { type Service, startService } from "../../support/service.ts";

let folder: string;
let service: Service;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-signed-"));
  const keys = await generateSigningKeys();
  writeSigningKeys(join(folder, "signing.pem"), keys);
  service = await startService({ models: [], vars: { SIGNING_PUBLIC_KEYS: keys.publicPem } });
  for (const name of ["iris-logistic", "iris-kmeans"])
    cpSync(projectPath("models", name), join(folder, "models", name), { recursive: true });
  const version = join(folder, "models", "iris-logistic", "1");
  const manifestText = readFileSync(join(version, "manifest.json"), "utf8");
  const key = await readSigningKey(join(folder, "signing.pem"));
  const signature = await signVersion(manifestText, key);
  writeFileSync(join(version, "signature.json"), JSON.stringify(signature));
});

afterAll(async () => {
  await service.dispose();
  rmSync(folder, { recursive: true, force: true });
});

test("a version of models/ with its signature beside it is served by a Worker that wants one", async () => {
  const seed = () => seedModels(service.bucket, join(folder, "models"));
  expect(await seed()).toEqual({ seeded: 2, unchanged: 0, deleted: 0 });
  expect(await seed()).toEqual({ seeded: 0, unchanged: 2, deleted: 0 });
  const row = { inputs: [5.1, 3.5, 1.4, 0.2] };
  expect(await service.post("/models/iris-logistic", row)).toMatchObject({
    status: 200,
    body: [{ label: "setosa" }, {}, {}],
  });
  expect((await service.post("/models/iris-kmeans", row)).body).toMatchObject({
    code: "signature_invalid",
  });
});
