import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { ModelBucket } from "../../../scripts/local-worker.ts";
import { projectPath } from "../../../scripts/project.ts";
import type { Manifest } from "../../../src/domain/manifest.ts";
import type { ObjectStore } from "../../../src/domain/object-store.ts";
import { NO_ROUTING } from "../../../src/domain/routing.ts";
import { applyChange, type RoutingChange } from "../../../src/domain/routing-change.ts";
import type { OpenApiDocument } from "../../../src/protocols/openapi/openapi-types.ts";
import { manifestKey, routingKey } from "../../../src/storage/model-keys.ts";
import { quotient } from "../../support/awkward-models.ts";
import { type CliResult, runCli } from "../../support/cli.ts";
import { encryptedObjects, publishEncrypted } from "../../support/encrypted-service.ts";
import { findModel } from "../../support/publish.ts";
import {
  type Body,
  canSucceed,
  form,
  type OperationRequest,
  type PlantableOperation,
  plainRequests,
  plantableOperations,
  plantedRequests,
} from "../../support/secrets/planted-requests.ts";
import {
  type Exchange,
  type PlantedRun,
  startPlantedRun,
} from "../../support/secrets/planted-run.ts";
import {
  findSecrets,
  type Haystack,
  type PlantedSecret,
  plantedBytes,
  plantedText,
} from "../../support/secrets/planted-secret.ts";
import { PRIVATE, privateRequests } from "../../support/secrets/private-requests.ts";
import type { StoredPiece } from "../../support/secrets/stored-state.ts";
import { store } from "../../support/stored-model.ts";

/**
 * Secrets and private inputs are sent to every operation, at every place of a request where a client may put them, and then searched for in all
 * that leaves the Worker: the console, responses, and the bytes of its storage.
 */

/** Of no form by which the service could know them. */
const ADMIN_KEY = "Adm1n~zebra.Quartz-8841-very_private";
const ENCRYPTION_KEY = randomBytes(32).toString("base64");
const PRIVACY_KEY = randomBytes(32).toString("base64");
const JWT = [
  Buffer.from('{"alg":"ES256","kid":"planted"}').toString("base64url"),
  Buffer.from('{"iss":"https://issuer.test","sub":"planted-person"}').toString("base64url"),
  randomBytes(64).toString("base64url"),
].join(".");
const FOREIGN_KEY = `sk-proj-${randomBytes(32).toString("base64url").replaceAll(/[-_]/g, "x")}`;
const PASSWORD = "pass-Word~for.basic-5517";
const SUBJECT = "ludmilla.planted-77341@example.org";
const TEXT = "the quokkamarzipan of zanzibar weighs 90417 grams";
const NUMBERS = [5.137482910346, 3.518273640518, 1.427193840562, 0.219374650183];
const INTEGER = 1_936_026_992;

let apiKey: string;
let session: string;
/** The ids of keys that operations on keys may change, and revoke. */
let otherKey: string;
let revokedKey: string;
let run: PlantedRun;
let document: OpenApiDocument;
let state: StoredPiece[];
const privateExchanges: Exchange[] = [];

/** What a client might put anywhere. */
function credentials(): string[] {
  return [apiKey, ADMIN_KEY, JWT, session, FOREIGN_KEY, ENCRYPTION_KEY, PRIVACY_KEY];
}

function plantedCredentials(): PlantedSecret[] {
  return [
    plantedText("API key", apiKey),
    plantedText("secret of the API key", apiKey.slice(20)),
    plantedText("admin key", ADMIN_KEY),
    plantedText("session", session),
    plantedText("token", JWT),
    plantedText("signature of the token", JWT.slice(JWT.lastIndexOf(".") + 1)),
    plantedText("key of another service", FOREIGN_KEY),
    plantedText("password", PASSWORD),
    plantedText("encryption key", ENCRYPTION_KEY),
    plantedBytes("encryption key, bytes", Buffer.from(ENCRYPTION_KEY, "base64")),
    plantedText("privacy key", PRIVACY_KEY),
    plantedBytes("privacy key, bytes", Buffer.from(PRIVACY_KEY, "base64")),
  ];
}

/** What only the answer to its client may have. */
function plantedInputs(): PlantedSecret[] {
  const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();
  return [
    plantedText("text", TEXT),
    plantedText("word of the text", "quokkamarzipan"),
    plantedText("subject", SUBJECT),
    // Whoever has it can guess the subject.
    plantedBytes("digest of the subject", sha256(SUBJECT).subarray(0, 8)),
    plantedText("number", String(NUMBERS[0])),
    plantedText("number in single precision", String(Math.fround(NUMBERS[1] ?? 0))),
    plantedBytes("tensor", Buffer.from(Float32Array.from(NUMBERS).buffer)),
    plantedText("integer", String(INTEGER)),
    plantedBytes("tensor in double precision", Buffer.from(Float64Array.from(NUMBERS).buffer)),
    plantedBytes("image", image().subarray(2000, 2032)),
    plantedBytes("recording", recording().subarray(20_000, 20_032)),
  ];
}

function image(): Buffer {
  return readFileSync(projectPath("test", "fixtures", "images", "astronaut.png"));
}

function recording(): Buffer {
  return readFileSync(projectPath("test", "fixtures", "speech", "hibari-01.wav"));
}

beforeAll(async () => {
  run = await startPlantedRun(inject("workerBuild"), {
    ADMIN_KEY,
    ENCRYPTION_KEY,
    PRIVACY_KEY,
    CATALOG_TTL_SECONDS: "0",
    CACHE_OUTER_TIERS: "always",
    MAX_QUEUE_MS: "1000000",
    PUBLIC_PREDICT: "false",
  });
  const objects = encryptedObjects(await run.worker.bucket(), ENCRYPTION_KEY);
  await seed(objects);
  document = (await (await fetch(new URL("/openapi.json", run.url))).json()) as OpenApiDocument;
  run.startOfStorage();
  apiKey = (await createKey("planted")).key;
  otherKey = (await createKey("changed")).id;
  revokedKey = (await createKey("revoked")).id;
  session = await openSession();
  const seeded = new Set((await readObjects(objects)).map(({ place }) => place));
  await prepare();
  await plant();
  const written = (await readObjects(objects)).filter(({ place }) => !seeded.has(place));
  state = [...written, ...(await run.end())];
});

afterAll(() => run?.end());

async function createKey(name: string): Promise<{ id: string; key: string }> {
  const response = await fetch(new URL("/admin/keys", run.url), {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
    body: JSON.stringify({ name, scopes: ["predict", "explain", "feedback", "models:read"] }),
  });
  return (await response.json()) as { id: string; key: string };
}

async function openSession(): Promise<string> {
  const { headers } = await fetch(new URL("/admin/session", run.url), {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
  });
  return /__Host-onnxflare=([^;]+)/.exec(headers.get("set-cookie") ?? "")?.[1] ?? "";
}

async function seed(objects: ObjectStore): Promise<void> {
  for (const name of [
    "iris-logistic",
    "iris-kmeans",
    "face-detection",
    "sentence-embeddings",
    "pocket-gpt",
    "whisper-tiny-en",
  ])
    await publishEncrypted(objects, name);
  await publishEncrypted(objects, "iris-logistic", "2");
  await seedCaptured(objects);
  const bucket = {
    put: (key: string, value: string | Uint8Array<ArrayBuffer>) =>
      objects.put(key, typeof value === "string" ? new TextEncoder().encode(value) : value),
  } as unknown as ModelBucket;
  await store(bucket, "crashing", quotient);
  await store(bucket, "indexing", {
    inputs: [{ name: "i", datatype: "INT64", shape: ["n"] }],
    outputs: [{ name: "y", datatype: "FP32", shape: ["n"] }],
    nodes: [{ op: "Gather", inputs: ["table", "i"], outputs: ["y"] }],
    weights: [{ name: "table", datatype: "FP32", shape: [2], data: Float32Array.of(1, 2) }],
  });
  const { version } = await store(bucket, "corrupt", quotient);
  await objects.put(manifestKey({ name: "corrupt", version }), new TextEncoder().encode("{"));
  const missing = findModel("wine-naive-bayes").manifest;
  const id = { name: "missing", version: "1" };
  const manifest = JSON.stringify({ ...missing, ...id });
  await objects.put(manifestKey(id), new TextEncoder().encode(manifest));
}

/** A model whose manifest has inputs stored, with a shadow. */
async function seedCaptured(objects: ObjectStore): Promise<void> {
  const { manifest } = findModel("language-identification");
  const captured: Manifest = {
    ...manifest,
    capture: { sample: 1, inputs: true, outputs: true, retentionDays: 1, maxBytes: 65_536 },
  };
  for (const version of ["1", "2"]) {
    await publishEncrypted(objects, manifest.name, version);
    const text = JSON.stringify({ ...captured, version });
    await objects.put(manifestKey({ ...captured, version }), new TextEncoder().encode(text));
  }
  const split = [{ version: "1", weight: 1 }];
  const changes: RoutingChange[] = [
    { action: "alias", alias: "production", split },
    { action: "shadow", alias: "production", shadow: { version: "2", sample: 1 } },
  ];
  const routing = changes.reduce(
    (before, change) => applyChange(before, change, { model: manifest.name, by: "test", now: 0 }),
    NO_ROUTING,
  );
  const text = new TextEncoder().encode(JSON.stringify(routing));
  await objects.put(routingKey(manifest.name), text);
}

async function readObjects(objects: ObjectStore): Promise<StoredPiece[]> {
  const bucket = await run.worker.bucket();
  const { objects: all } = await bucket.list();
  return Promise.all(
    all.map(async ({ key, size }) => {
      // Captures are encrypted with another key, which is in nobody's hands: their bytes are searched below.
      const isReadable = size < 1_000_000 && !key.startsWith("captures/");
      const found = isReadable ? await objects.get(key) : undefined;
      const bytes = found ? await new Response(found.body).bytes() : new Uint8Array();
      return { place: `object ${key}`, bytes };
    }),
  );
}

const KMEANS = readFileSync(projectPath("models", "iris-kmeans", "1", "model.onnx"));
const bytes = (of: Uint8Array): Body[] => [
  { raw: Buffer.from(of), type: "application/octet-stream" },
];

/** For operations without an example in the document, or whose example would take what others need. */
function changes(): Record<string, OperationRequest> {
  const uploads = { parameters: { model: "uploaded" } };
  const planted = { parameters: { model: "planted" } };
  return {
    publishVersion: { ...planted, bodies: bytes(KMEANS) },
    deleteVersion: { ...planted, query: "force=true" },
    uploadFile: { ...uploads, bodies: bytes(KMEANS) },
    listUploads: uploads,
    deleteUploads: { parameters: { model: "uploaded", version: "2" } },
    publishUploads: { ...uploads, bodies: [{ json: { task: "clustering" } }] },
    revokeKey: { parameters: { key: revokedKey } },
    setProfile: { bodies: [{ json: EXAMPLE_DATA }] },
    deleteProfile: { parameters: { version: "2" } },
    setBackground: { bodies: [{ json: EXAMPLE_DATA }] },
    deleteBackground: { parameters: { version: "2" } },
    getWebhook: KEPT,
    rotateWebhook: KEPT,
    retryWebhook: KEPT,
    createTranscription: {
      bodies: [form({ model: "whisper-tiny-en" }, "recording.wav", recording())],
    },
  };
}

/** Rows of a reference profile. */
const EXAMPLE_DATA = { inputs: Array.from({ length: 20 }, (_, row) => [5 + row / 20, 3, 1, 0.2]) };
const KEPT = { parameters: { webhook: "kept" } };

/** What operations read that others remove. */
async function prepare(): Promise<void> {
  const versions = "/admin/models/iris-logistic/versions";
  const requests: [path: string, body: object][] = [
    [`${versions}/1/profile`, EXAMPLE_DATA],
    [`${versions}/2/profile`, EXAMPLE_DATA],
    [`${versions}/1/background`, EXAMPLE_DATA],
    [`${versions}/2/background`, EXAMPLE_DATA],
    ["/admin/alerts/webhooks/kept", { url: "http://127.0.0.1:9/" }],
  ];
  for (const [path, body] of requests) {
    const response = await fetch(new URL(path, run.url), {
      method: "PUT",
      headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(response.ok, await response.text()).toBe(true);
  }
}

const PARAMETERS = {
  model: "iris-logistic",
  version: "1",
  alias: "production",
  region: "region",
  file: "model.onnx",
  webhook: "webhook",
  asset: "licenses.txt",
};

function headersFor({ path }: Pick<PlantableOperation, "path">): Record<string, string> {
  return {
    authorization: `Bearer ${/^\/(?:admin|metrics|v2\/repository)/.test(path) ? ADMIN_KEY : apiKey}`,
    "x-subject-id": SUBJECT,
    "x-sticky-key": SUBJECT,
    "x-api-key": apiKey,
    cookie: `session=${apiKey}; token=${JWT}`,
    referer: `https://example.org/?key=${apiKey}`,
    "user-agent": `planted/${FOREIGN_KEY}`,
  };
}

function authorizations(): Record<string, string>[] {
  const basic = Buffer.from(`user:${PASSWORD}`).toString("base64");
  return [
    `bearer ${apiKey}`,
    `BEARER   ${apiKey}`,
    apiKey,
    `Token ${apiKey}`,
    `Bearer ${apiKey} `,
    `Bearer ${apiKey}0`,
    `Bearer ${apiKey.slice(0, -1)}`,
    `Bearer ${ADMIN_KEY}0`,
    `Bearer ${JWT}`,
    `Bearer ${FOREIGN_KEY}`,
    `Basic ${basic}`,
    `Digest username="user", response="${apiKey}"`,
  ]
    .map((authorization): Record<string, string> => ({ authorization }))
    .concat(
      { "x-api-key": apiKey },
      { "api-key": apiKey },
      { cookie: `__Host-onnxflare=${session}; key=${apiKey}` },
      { cookie: `__Host-onnxflare=${session.slice(0, -2)}` },
      { "cf-access-jwt-assertion": JWT },
      { "proxy-authorization": `Bearer ${apiKey}` },
    );
}

/** Sends everything. */
async function plant(): Promise<void> {
  const operations = plantableOperations(document, { ...PARAMETERS, key: otherKey }, changes());
  for (const operation of operations)
    for (const request of plainRequests(operation, headersFor(operation))) await run.send(request);
  const headers = { ...headersFor({ path: "/models" }) };
  const inputs = {
    text: TEXT,
    numbers: NUMBERS,
    integer: INTEGER,
    image: image(),
    recording: recording(),
  };
  const requests = privateRequests(inputs, headers);
  for (const request of requests) privateExchanges.push(await run.send(request));
  // What is in the cache now.
  for (const request of requests.filter(({ planted }) => !planted.includes("recording")))
    privateExchanges.push(await run.send(request));
  await runCommands();
  let count = 0;
  const nextSecret = (): string => {
    const all = credentials();
    count += 1;
    return all[count % all.length] ?? "";
  };
  const isOther = ({ operationId }: PlantableOperation): boolean =>
    canSucceed(document, operationId) && !operationId.endsWith("OfVersion");
  await run.sendAll(
    operations.flatMap((operation, index) => [
      // Routes that are not supported are all alike, and so are those of a version and of a model.
      ...(isOther(operation) || index % 8 === 0
        ? plantedRequests(operation, headersFor(operation), nextSecret)
        : []),
      ...authorizations()
        .filter((_, at) => isOther(operation) || at === 3 || at === 10)
        .flatMap((each) => plainRequests(operation, each).slice(0, 1)),
    ]),
  );
}

/** Output of the command line, with its exit codes. */
const commands: (CliResult & { readonly place: string })[] = [];

/** With the admin key, with a key that may not, and with keys in wrong places. */
async function runCommands(): Promise<void> {
  const file = projectPath("models", "iris-kmeans", "1", "model.onnx");
  const push = ["push", file, "--name", "pushed"];
  const calls: [key: string, args: string[]][] = [
    [ADMIN_KEY, push],
    [apiKey, push],
    [`${apiKey}0`, ["list"]],
    [ADMIN_KEY, ["push", file, "--name", apiKey]],
    [ADMIN_KEY, ["alias", "set", "pushed", "production", "1", "--note", apiKey]],
    [ADMIN_KEY, ["inspect", apiKey]],
    [
      apiKey,
      ["predict", "language-identification", "--input", JSON.stringify({ inputs: 1, key: apiKey })],
    ],
  ];
  await Promise.all(
    calls.map(async ([key, args]) => {
      const env = { ONNXFLARE_URL: run.url.origin, ONNXFLARE_KEY: key };
      commands.push({ ...(await runCli(args, { env })), place: args.slice(0, 2).join(" ") });
    }),
  );
  await run.worker.runScheduled();
}

describe("planted secrets", () => {
  test("each operation succeeded and failed", () => {
    const sent = run.exchanges.filter(({ operationId }) => operationId !== PRIVATE);
    const statuses = Map.groupBy(sent, ({ operationId }) => operationId);
    const lacking = [...statuses].flatMap(([operationId, exchanges]) => {
      const all = exchanges.map(({ status }) => status);
      const problems = [];
      if (canSucceed(document, operationId) && !all.some((status) => status < 300))
        problems.push(
          `${operationId} never succeeded: ${exchanges[0]?.status} ${exchanges[0]?.responseBody}`,
        );
      if (!all.some((status) => status >= 400)) problems.push(`${operationId} never failed`);
      return problems;
    });
    expect(lacking).toEqual([]);
  });

  test("private inputs were answered, and refused for every reason", () => {
    const byStatus = Map.groupBy(privateExchanges, ({ status }) => status);
    expect([...byStatus.keys()].sort()).toEqual([200, 400, 404, 415, 500, 503]);
    const failed = privateExchanges.filter(({ status }) => status >= 500);
    expect(new Set(failed.map(({ path, status }) => `${path} ${status}`))).toEqual(
      new Set(["/v2/models/crashing/infer 500", "/models/corrupt 503", "/models/missing 503"]),
    );
  });

  test("the console has none", () => {
    const lines = run.logs.map(({ level, message }) => ({ place: level, bytes: message }));
    expectNone([...plantedCredentials(), ...plantedInputs()], lines);
  });

  test("no response has a credential", () => {
    const responses = run.exchanges.map(({ responseHeaders, responseBody, ...exchange }) => ({
      place: describeExchange(exchange),
      bytes: Buffer.concat([Buffer.from(responseHeaders), responseBody]),
    }));
    expectNone(plantedCredentials(), responses);
  });

  test("no header of a response has an input", () => {
    const headers = run.exchanges.map(({ responseHeaders, ...exchange }) => ({
      place: describeExchange(exchange),
      // The model that does not exist was named by the path.
      bytes: responseHeaders.replace(/^x-error-message: No model named .*$/m, ""),
    }));
    expectNone(plantedInputs(), headers);
  });

  test("the command line shows none", () => {
    expect(commands.map(({ code }) => code).sort()).toContain(0);
    expect(commands.filter(({ code }) => code !== 0).length).toBeGreaterThan(3);
    const outputs = commands.map(({ place, stdout, stderr }) => ({
      place,
      bytes: stdout + stderr,
    }));
    expect(findSecrets(plantedCredentials(), outputs)).toEqual([]);
  });

  test("storage has none", () => {
    expectNone([...plantedCredentials(), ...plantedInputs()], state);
  });

  test("what is known to be in the console and in each store is found there", () => {
    const lines = run.logs.map(({ level, message }) => ({ place: level, bytes: message }));
    expect(findSecrets([plantedText("model", "iris-logistic")], lines).length).toBeGreaterThan(100);
    expect(state.some(({ place }) => place.startsWith("object captures/"))).toBe(true);
    const known = {
      object: "production",
      r2: "iris-logistic",
      kv: "iris-logistic",
      cache: "predictions.onnxflare.invalid",
      do: "iris-logistic",
    };
    for (const [place, text] of Object.entries(known)) {
      const pieces = state.filter((piece) => piece.place.startsWith(place));
      expect(findSecrets([plantedText("known", text)], pieces), place).not.toEqual([]);
    }
  });
});

function describeExchange({
  operationId,
  planted,
  status,
}: Pick<Exchange, "operationId" | "planted" | "status">): string {
  return `${operationId}, ${planted}, ${status}`;
}

function expectNone(secrets: readonly PlantedSecret[], haystacks: readonly Haystack[]): void {
  expect(haystacks.length).toBeGreaterThan(10);
  expect(findSecrets(secrets, haystacks).slice(0, 40)).toEqual([]);
}
