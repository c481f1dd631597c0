import { createPublicKey, type JsonWebKey, randomBytes, randomUUID, verify } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createTemporaryFolder } from "../../../packages/cli/src/local/temporary-folder.ts";
import { type LocalWorker, startLocalWorker } from "../../../scripts/local-worker.ts";
import type { Graph } from "../../support/onnx-builder.ts";
import { poll } from "../../support/poll.ts";
import { findModel, publishAs } from "../../support/publish.ts";
import { store } from "../../support/stored-model.ts";
import { readWholeState, type WholeState } from "../../support/whole-state.ts";

/** Fills every store of a Worker with texts, erases what belongs to somebody, and searches everything for them. */

const ADMIN_KEY = "a-key-for-tests";
const PRIVACY_KEY = randomBytes(32).toString("base64");
const RETENTION_DAYS = 30;
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
      CATALOG_TTL_SECONDS: "0",
      CACHE_OUTER_TIERS: "always",
      MAX_QUEUE_MS: "1000000",
    },
    onLog: ({ message }) => logs.push(message),
  });
  const bucket = await worker.bucket();
  const cache = { enabled: true, ttlSeconds: 3600, scope: "public" } as const;
  const stored = { inputs: true, outputs: true, maxBytes: 262_144 };
  const capture = { sample: 1, retentionDays: RETENTION_DAYS, ...stored };
  await store(bucket, "captured", echoing("a"), { cache, capture });
  // Over a thousandth of a second, so that it has ended when the next request is sent.
  const expired = { sample: 1, retentionDays: 1e-9, ...stored };
  await store(bucket, "expiring", echoing("b"), { cache, capture: expired });
  await store(bucket, "shared", echoing("c"), { cache });
  await store(bucket, "of-keys", echoing("d"), { cache: { ...cache, scope: "key" } });
  await publishAs(bucket, findModel("pocket-gpt"), { name: "pocket-gpt", version: "1" });
});

afterAll(() => worker?.dispose());

/** Its answer is its input. Another name makes another file, which shares no cache entry. */
function echoing(output: string): Graph {
  return {
    inputs: [{ name: "x", datatype: "BYTES", shape: ["n"] }],
    outputs: [{ name: output, datatype: "BYTES", shape: ["n"] }],
    nodes: [{ op: "Identity", inputs: ["x"], outputs: [output] }],
  };
}

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

async function administer(path: string, value?: unknown): Promise<Answer> {
  const authorization = `Bearer ${ADMIN_KEY}`;
  if (value !== undefined) return post(path, value, { authorization });
  const response = await fetch(new URL(path, worker.url), { headers: { authorization } });
  const { status, headers } = response;
  const text = await response.text();
  return { status, body: text.startsWith("{") ? JSON.parse(text) : text, headers };
}

function echo(model: string, text: string, headers: Record<string, string>): Promise<Answer> {
  const inputs = [{ name: "x", datatype: "BYTES", shape: [1], data: [text] }];
  return post(`/v2/models/${model}/infer`, { inputs }, headers);
}

async function wholeState(): Promise<WholeState> {
  const [bucket, kv] = [await worker.bucket(), await worker.kv("CACHE")];
  return readWholeState({ bucket, kv, folder, privacyKey: PRIVACY_KEY });
}

/** Long enough for its prefix to be kept. */
const PROMPT = "The quick brown fox jumps over the lazy dog and sleeps under the old oak tree. ";

/** What a request leaves behind, of which each text is in the state as it is. */
const LEFT = [
  /^R2 captures\/\d{11}\/captured\//m,
  /^KV prediction\/captured\/1\//m,
  /^KV prediction\/shared\/1\//m,
  /^KV prediction\/of-keys\/1\//m,
  /^KV prediction\/pocket-gpt\/1\//m,
];

/** The files of the Cache API, in which there is nothing of requests with a subject. */
const IN_CACHE_API = /^cache\//m;

/** Leaves a text in each store, and waits until it is there. */
async function leave(text: string, headers: Record<string, string>): Promise<void> {
  const hasSubject = "x-subject-id" in headers;
  // The second one is a hit, whose response is stored with the request beside it where responses are.
  for (const model of ["captured", "shared", "of-keys"])
    for (let count = 0; count < 2; count++)
      expect(await echo(model, text, headers)).toMatchObject({ status: 200 });
  const parameters = { max_new_tokens: 2, do_sample: false };
  // The prefix of the first one is kept, and the answer to the second repeats its prompt.
  for (const generation of [
    { inputs: PROMPT + text, parameters },
    { inputs: [PROMPT + text], parameters: { ...parameters, return_full_text: true } },
  ])
    expect(await post("/models/pocket-gpt", generation, headers)).toMatchObject({ status: 200 });
  await poll("all that the requests leave", async () => {
    const places = (await wholeState()).find(text).join("\n");
    const isComplete = LEFT.every((place) => place.test(places));
    return (isComplete && (hasSubject || IN_CACHE_API.test(places))) || undefined;
  });
  if (hasSubject) expect((await wholeState()).find(text).join("\n")).not.toMatch(IN_CACHE_API);
  expect(await keptPrefixes()).toBeGreaterThan(0);
}

async function keptPrefixes(): Promise<number> {
  const { body } = await administer("/admin/runtime");
  return body.isolates.reduce(
    (sum: number, { kept }: { kept: { leases: number } }) => sum + kept.leases,
    body.kept.leases,
  );
}

/** That nothing is found in the whole state, by the export, by the events of the isolate, and by asking for what is cached. */
async function expectNothing(
  selector: object,
  text: string,
  headers: Record<string, string>,
): Promise<void> {
  expect((await wholeState()).find(text)).toEqual([]);
  expect(await keptPrefixes()).toBe(0);
  const { body: found } = await administer("/admin/data-exports", selector);
  expect(found.stores.map(({ items }: { items: unknown[] }) => items.length)).toEqual(
    found.stores.map(() => 0),
  );
  for (const model of ["shared", "of-keys"]) {
    const directives = { ...headers, "cache-control": "no-cache" };
    const { headers: cached } = await echo(model, `${text} other`, directives);
    expect(cached.get("cache-status")).not.toMatch(/; hit/);
  }
}

async function erase(selector: object): Promise<Answer["body"]> {
  const { status, body } = await administer("/admin/erasures", selector);
  expect(status).toBe(200);
  expect(body.receipt).toMatchObject({ complete: true });
  expect(body.cursor).toBeUndefined();
  return body;
}

const erasedBy = (body: Answer["body"]): Record<string, number> =>
  Object.fromEntries(
    body.receipt.stores.map(({ name, erased }: { name: string; erased: number }) => [name, erased]),
  );

describe("an erasure", () => {
  test("by subject leaves nothing of the subject in any store, and all of others", async () => {
    const [subject, other] = [`user-${randomUUID()}`, `user-${randomUUID()}`];
    const [text, kept] = [`text ${randomUUID()}`, `text ${randomUUID()}`];
    const authorization = `Bearer client-${randomUUID()}`;
    const headers = { "x-subject-id": subject, authorization };
    await leave(text, headers);
    await leave(kept, { "x-subject-id": other, authorization });
    const state = await wholeState();
    expect(state.find(subject)).toEqual([]);
    const before = state.find(kept);

    const body = await erase({ subject });
    expect(erasedBy(body)).toMatchObject({ captures: 2, events: expect.any(Number) });
    for (const name of ["predictions", "prefixes", "events"])
      expect(erasedBy(body)[name]).toBeGreaterThan(0);
    await expectNothing({ subject }, text, headers);
    expect((await wholeState()).find(kept)).toEqual(before);
    expect(logs.join("\n")).not.toContain(text);
    expect(logs.join("\n")).not.toContain(subject);
  });

  test("by key leaves nothing of the key, and ends it", async () => {
    const owner = `owner ${randomUUID()}`;
    const created = await administer("/admin/keys", {
      name: "temporary",
      scopes: ["predict"],
      owner,
    });
    expect(created.status).toBe(201);
    const { id, key } = created.body;
    const text = `text ${randomUUID()}`;
    const headers = { authorization: `Bearer ${key}` };
    await leave(text, headers);
    expect((await wholeState()).find(owner)).not.toEqual([]);

    const body = await erase({ key: id });
    for (const name of ["predictions", "captures", "prefixes", "events", "keys"])
      expect(erasedBy(body)[name]).toBeGreaterThan(0);
    expect((await wholeState()).find(text)).toEqual([]);
    expect((await wholeState()).find(owner)).toEqual([]);
    expect(await keptPrefixes()).toBe(0);
    const refused = await poll("refusal of the key", async () => {
      const { status } = await echo("shared", text, headers);
      return status === 401 || undefined;
    });
    expect(refused).toBe(true);
    expect((await administer(`/admin/keys/${id}`)).status).toBe(404);
  });

  test("by the id of a request leaves nothing of it, and all of others", async () => {
    const [text, kept] = [`text ${randomUUID()}`, `text ${randomUUID()}`];
    const requestId = randomUUID();
    // All requests have the same id here, as the attempts of one.
    const headers = { "x-request-id": requestId, authorization: `Bearer client-${randomUUID()}` };
    await leave(text, headers);
    await leave(kept, { "x-request-id": randomUUID(), authorization: headers.authorization });
    const before = (await wholeState()).find(kept);
    expect((await administer("/admin/data-exports", { requestId })).body.stores).toEqual(
      expect.arrayContaining([
        { name: "captures", items: [capturedAs(text), capturedAs(text)] },
        { name: "predictions", items: expect.arrayContaining([expect.anything()]) },
      ]),
    );

    await erase({ requestId });
    await expectNothing({ requestId }, text, { authorization: headers.authorization });
    expect((await wholeState()).find(kept)).toEqual(before);
  });

  test("has a receipt that another implementation verifies with the public key", async () => {
    const subject = `user-${randomUUID()}`;
    const { receipt, jws } = await erase({ subject });
    const keys = await (
      await fetch(new URL("/.well-known/erasure-receipts.json", worker.url))
    ).json();
    const [header = "", payload = "", signature = ""] = jws.split(".");
    const { kid, alg } = JSON.parse(String(Buffer.from(header, "base64url")));
    const jwk = (keys as { keys: (JsonWebKey & { kid: string })[] }).keys.find(
      (each) => each.kid === kid,
    );
    expect(alg).toBe("EdDSA");
    const key = createPublicKey({ key: jwk as JsonWebKey, format: "jwk" });
    const isValid = (signed: string): boolean =>
      verify(null, Buffer.from(signed), key, Buffer.from(signature, "base64url"));
    expect(isValid(`${header}.${payload}`)).toBe(true);
    expect(JSON.parse(String(Buffer.from(payload, "base64url")))).toEqual(receipt);
    const changed = Buffer.from(JSON.stringify({ ...receipt, complete: false })).toString(
      "base64url",
    );
    expect(isValid(`${header}.${changed}`)).toBe(false);
    expect(JSON.stringify(receipt)).not.toContain(subject);
  });
});

function capturedAs(text: string): object {
  const tensor = { datatype: "BYTES", shape: [1], data: [text] };
  return expect.objectContaining({
    model: "captured",
    inputs: [{ name: "x", ...tensor }],
    outputs: [{ name: "a", ...tensor }],
  });
}

test("the daily run deletes captures whose retention has ended, and no others", async () => {
  const [text, kept] = [`text ${randomUUID()}`, `text ${randomUUID()}`];
  const headers = { "x-subject-id": `user-${randomUUID()}` };
  for (const [model, each] of [
    ["expiring", text],
    ["captured", kept],
  ] as const) {
    await echo(model, each, headers);
    await poll(
      "capture",
      async () =>
        (await wholeState()).find(each).some((place) => place.startsWith("R2 captures/")) ||
        undefined,
    );
  }
  // Retentions end with a whole second.
  const expired = await poll("garbage", async () => {
    const { orphans } = (await administer("/admin/gc")).body;
    return orphans.length > 0 ? orphans : undefined;
  });
  expect(expired).toEqual([expect.objectContaining({ reason: "capture-expired" })]);
  await worker.runScheduled();
  const captures = (each: string, state: WholeState): string[] =>
    state.find(each).filter((place) => place.startsWith("R2 captures/"));
  const state = await wholeState();
  expect([captures(text, state).length, captures(kept, state).length]).toEqual([0, 1]);
});

test("captures are encrypted, and requests with no-store are not captured", async () => {
  const [text, secret] = [`text ${randomUUID()}`, `text ${randomUUID()}`];
  const subject = `user-${randomUUID()}`;
  await echo("captured", secret, { "x-subject-id": subject, "cache-control": "no-store" });
  await echo("captured", text, { "x-subject-id": subject });
  await poll("capture", async () => (await wholeState()).find(text).length > 1 || undefined);
  expect((await wholeState()).find(secret)).toEqual([]);
  const bucket = await worker.bucket();
  const { objects } = await bucket.list({ prefix: "captures/" });
  for (const { key } of objects) {
    const bytes = Buffer.from((await (await bucket.get(key))?.arrayBuffer()) ?? []);
    expect(bytes.subarray(0, 7).toString()).toBe("ONNXENC");
    expect(bytes.toString("latin1")).not.toContain(text);
  }
});

test.each([
  ["no selector", {}, 400],
  ["two selectors", { key: "abcdefghijkl", requestId: "one" }, 400],
  ["a subject that is none", { subject: "two words" }, 400],
  ["a cursor of nobody", { requestId: "one", cursor: "e30.AAAA" }, 400],
])("an erasure with %s is refused, and nothing of it repeated", async (_, body, status) => {
  for (const path of ["/admin/erasures", "/admin/data-exports"]) {
    const answer = await administer(path, body);
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).not.toContain("two words");
  }
});

test("x-subject-id that is no id is refused without repeating it", async () => {
  const answer = await echo("shared", "text", { "x-subject-id": "Jane Doe, 1 Main Street" });
  expect(answer).toMatchObject({
    status: 400,
    body: { error: expect.stringContaining("x-subject-id") },
  });
  expect(answer.body.error).not.toContain("Jane");
});
