import { createPublicKey, randomBytes, randomUUID, verify } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createTemporaryFolder } from "../../../packages/cli/src/local/temporary-folder.ts";
import { type LocalWorker, startLocalWorker } from "../../../scripts/local-worker.ts";
import type { Manifest } from "../../../src/domain/manifest.ts";
import { poll } from "../../support/poll.ts";
import { findModel, publishAs } from "../../support/publish.ts";
import { store } from "../../support/stored-model.ts";
import { readWholeState, type WholeState } from "../../support/whole-state.ts";

/** Fills every store of a Worker with texts, erases what belongs to somebody, and searches everything for them. */

const ADMIN_KEY = "a-key-for-tests";
const PRIVACY_KEY = randomBytes(32).toString("base64");
const folder = createTemporaryFolder("privacy");
const logs: string[] = [];
let worker: LocalWorker;

beforeAll(async () => {
  worker = await startLocalWorker({
    outdir: inject("workerBuild"),
    statePath: folder,
    vars: {
      ADMIN_KEY,
      PRIVACY_KEY,
      PUBLIC_PREDICT: "true",
      CATALOG_TTL_SECONDS: "0",
      CACHE_OUTER_TIERS: "always",
      MAX_QUEUE_MS: "1000000",
    },
    onLog: ({ message }) => logs.push(message),
  });
  const bucket = await worker.bucket();
  const capture: Manifest["capture"] = {
    sample: 1,
    retentionDays: 30,
    inputs: true,
    outputs: true,
    maxBytes: 262_144,
  };
  const echo = {
    inputs: [{ name: "x", datatype: "BYTES", shape: ["n"] }],
    outputs: [{ name: "y", datatype: "BYTES", shape: ["n"] }],
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
  } as const;
  const cache = { enabled: true, ttlSeconds: 3600, scope: "public" } as const;
  await store(bucket, "captured", echo, { cache, capture });
  await store(bucket, "echo", echo, { cache });
  await store(bucket, "of-keys", echo, { cache: { ...cache, scope: "key" } });
  await publishAs(bucket, findModel("pocket-gpt"), { name: "pocket-gpt", version: "1" });
});

afterAll(() => worker?.dispose());

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: responses of several routes, which assertions describe
  readonly body: any;
  readonly headers: Headers;
}

async function post(
  path: string,
  value: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(new URL(path, worker.url), {
    method: "POST",
    body: JSON.stringify(value),
    headers: { "content-type": "application/json", ...headers },
  });
  const { status } = response;
  return { status, body: await response.json(), headers: response.headers };
}

function administer(path: string, value: unknown): Promise<Answer> {
  return post(path, value, { authorization: `Bearer ${ADMIN_KEY}` });
}

function echo(model: string, text: string, headers: Record<string, string>): Promise<Answer> {
  const inputs = [{ name: "x", datatype: "BYTES", shape: [1], data: [text] }];
  return post(`/v2/models/${model}/infer`, { inputs }, headers);
}

async function wholeState(): Promise<WholeState> {
  const [bucket, kv] = [await worker.bucket(), await worker.kv("CACHE")];
  return readWholeState({ bucket, kv, folder, privacyKey: PRIVACY_KEY });
}

async function get(path: string): Promise<string> {
  const url = new URL(path, worker.url);
  return (await fetch(url, { headers: { authorization: `Bearer ${ADMIN_KEY}` } })).text();
}

/** Long enough to be kept as a prefix. */
const PROMPT = "The quick brown fox jumps over the lazy dog and then sleeps under the old oak tree. ";

/** Leaves something in each store, and waits until all of it is there. */
async function leave(text: string, headers: Record<string, string>): Promise<void> {
  for (const model of ["captured", "echo", "of-keys"])
    // The second one is a hit, whose response is stored where responses are.
    for (let count = 0; count < 2; count++)
      expect(await echo(model, text, headers)).toMatchObject({ status: 200 });
  const generation = { inputs: PROMPT + text, parameters: { max_new_tokens: 2, do_sample: false } };
  expect(await post("/models/pocket-gpt", generation, headers)).toMatchObject({ status: 200 });
  await new Promise((r) => setTimeout(r, 3000));
  console.log((await wholeState()).find(text), [...(await wholeState()).places.keys()], logs.slice(-12));
  if (Date.now() > 0) return;
  await poll("all that was left", async () => {
    const places = (await wholeState()).find(text).join("\n");
    const expected = [/R2 captures\/\d+\/captured\//, /KV prediction\/captured\//, /KV prediction\/echo\//, /KV prediction\/of-keys\//];
    return expected.every((place) => place.test(places)) || undefined;
  });
}

test("try", async () => {
  const subject = `user-${randomUUID()}`;
  const text = `secret ${randomUUID()}`;
  await leave(text, { "x-subject-id": subject, authorization: "Bearer some-client" });
  const exported = await administer("/admin/data-exports", { subject });
  console.log(JSON.stringify(exported.body, null, 1).slice(0, 6000));
  console.log((await wholeState()).find(text), [...(await wholeState()).places.keys()]);
  const erased = await administer("/admin/erasures", { subject });
  console.log(JSON.stringify(erased.body, null, 1));
  console.log((await wholeState()).find(text));
  expect(0).toBe(1);
});
