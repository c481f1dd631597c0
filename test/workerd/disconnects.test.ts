import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import { beginPost } from "../support/raw-request.ts";
import { type Service, startService } from "../support/service.ts";

/** Clients that disconnect in the middle of a long prediction, in every kind of task, over real connections. */

let service: Service;

beforeAll(async () => {
  service = await startService({
    models: [
      "sentence-embeddings",
      "spam-detection",
      "digits-cnn",
      "imagenet-classification",
      "voice-activity",
    ],
    // Every run is made, however alike the inputs are.
    vars: { CACHE_TIERS: "" },
  });
}, 60_000);

afterAll(() => service?.dispose());

const texts = Array.from(
  { length: 60 },
  (_, index) => `${"How are you today? ".repeat(20)}${index}`,
);
const digit = Array.from({ length: 8 }, () => [0, 2, 4, 6, 8, 10, 12, 14]);
const photograph = readFileSync(projectPath("test/fixtures/images/coffee.jpg")).toString("base64");
const recording = readFileSync(projectPath("test/fixtures/audio/two-sentences-16k.wav")).toString(
  "base64",
);

test.each<[name: string, path: string, body: object]>([
  ["embeddings", "/v1/embeddings", { model: "sentence-embeddings", input: texts }],
  ["sentence embeddings", "/models/sentence-embeddings", { inputs: texts }],
  ["text classification", "/models/spam-detection", { inputs: texts }],
  ["image arrays", "/models/digits-cnn", { inputs: Array.from({ length: 5000 }, () => digit) }],
  [
    "photographs",
    "/models/imagenet-classification",
    { inputs: Array.from({ length: 16 }, () => photograph) },
  ],
  ["recordings", "/models/voice-activity", { inputs: Array.from({ length: 20 }, () => recording) }],
])("a client that disconnects ends its request for %s", async (name, path, body) => {
  const id = name.replaceAll(" ", "-");
  const whole = await service.post(path, body, { "x-request-id": `${id}-whole` });
  expect(whole.status).toBe(200);
  const { phasesMs } = await service.event(`${id}-whole`);
  const socket = await beginPost(service.origin, path, body, { "x-request-id": `${id}-left` });
  await service.request("/v2/health/live");
  socket.resetAndDestroy();
  const event = await service.event(`${id}-left`);
  // Where the body is large, its end may be lost with the connection.
  expect(["client_closed_request", "invalid_request"]).toContain(event.errorCode);
  expect(event.phasesMs.infer ?? 0).toBeLessThan(phasesMs.infer ?? 0);
});
