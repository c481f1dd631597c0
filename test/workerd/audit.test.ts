import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { readModelFile } from "../../packages/cli/src/local/model-folder.ts";
import { createChainVerifier } from "../../src/domain/audit/audit-chain.ts";
import type { AuditEntry, AuditHead } from "../../src/domain/audit/audit-entry.ts";
import { runsModels } from "../../src/protocols/operation.ts";
import { PROTOCOLS } from "../../src/protocols/registry.ts";
import { hostingAuthority, sharingAuthority } from "../support/authorities.ts";
import { poll } from "../support/poll.ts";
import { findModel, publishAs } from "../support/publish.ts";
import type { WorkerSpec } from "../support/workers.ts";
import { startWorkers, type Workers } from "../support/workers.ts";

/** Changes of administrators in the built Worker: with an authority, with one that is out of reach, and without one. */

const ADMIN_KEY = "a-secret-that-no-entry-has";

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

let workers: Workers;

beforeAll(async () => {
  const common = {
    code: { outdir: inject("workerBuild") },
    bindings: { ADMIN_KEY, CATALOG_TTL_SECONDS: "0", MAX_QUEUE_MS: "1000000" },
    r2Buckets: { MODELS: "models" },
    kvNamespaces: { CACHE: "cache" },
  } satisfies Partial<WorkerSpec>;
  const outOfReach = `import { DurableObject } from "cloudflare:workers";
    export class KeyAuthority extends DurableObject {
      find() { throw new Error("out of reach"); }
      appendAudit() { throw new Error("out of reach"); }
    }
    export default { fetch: () => new Response() };`;
  workers = await startWorkers([
    { name: "audited", ...common, ...hostingAuthority() },
    { name: "cut-off", ...common, ...sharingAuthority("out-of-reach") },
    { name: "without", ...common },
    { name: "out-of-reach", code: { script: outOfReach }, ...hostingAuthority() },
  ]);
  const bucket = await workers.bucket("MODELS");
  for (const version of ["1", "2", "3"]) await publishAs(bucket, stored, { name: "iris", version });
});

afterAll(() => workers?.dispose());

async function send(
  worker: string,
  method: string,
  path: string,
  body?: object | Uint8Array<ArrayBuffer>,
  requestId?: string,
): Promise<Answer> {
  const response = await fetch(`${await workers.originOf(worker)}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${ADMIN_KEY}`,
      ...(requestId !== undefined && { "x-request-id": requestId }),
    },
    ...(body && { body: body instanceof Uint8Array ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Answer["body"] };
}

const audited = (...request: [method: string, path: string, ...unknown[]]) =>
  send("audited", ...(request as [string, string]));

async function readLog(query = "after=0&limit=1000"): Promise<AuditEntry[]> {
  const { status, body } = await audited("GET", `/admin/audit?${query}`);
  expect(status).toBe(200);
  return body.entries as AuditEntry[];
}

async function entriesOf(requestId: string): Promise<AuditEntry[]> {
  return readLog(`after=0&requestId=${requestId}`);
}

/** The console's output arrives after the response. */
function auditEvent(requestId: string): Promise<Record<string, unknown>> {
  return poll(`audit event of ${requestId}`, async () =>
    workers.logs
      .filter(({ message }) => message.startsWith('{"event":"audit"'))
      .map(({ message }) => JSON.parse(message))
      .find((event) => event.requestId === requestId),
  );
}

const stored = findModel("iris-logistic");
const model = new Uint8Array(readModelFile(stored, "model.onnx"));
const versionPath = "/admin/models/mine/versions";

/** Each audited operation, with what its entries say besides who and when. */
const WEBHOOK = "/admin/alerts/webhooks/nobody";
/** The Worker of this test has no collector; test/workerd/alerts.test.ts changes what these would. */
const WITHOUT_ALERTS = {
  phase: "failed",
  errorCode: expect.stringMatching(/^(?:not_supported|invalid_request|\w+_not_found)$/),
};

const CHANGES: readonly (readonly [
  id: string,
  request: readonly [method: string, path: string, body?: object | Uint8Array<ArrayBuffer>],
  expected: { readonly begun?: object; readonly end: object },
])[] = [
  [
    "uploadFile",
    ["PUT", `${versionPath}/1/files/model.onnx`, model],
    {
      end: {
        target: { model: "mine", version: "1", file: "model.onnx" },
        details: { after: { sizeBytes: model.byteLength, complete: true } },
      },
    },
  ],
  [
    "deleteUploads",
    ["DELETE", `${versionPath}/1/files`],
    { end: { details: { after: { removedObjects: expect.any(Number) } } } },
  ],
  [
    "publishVersion",
    ["PUT", `${versionPath}/1`, model],
    {
      end: {
        target: { model: "mine", version: "1" },
        details: { after: { format: "onnx", files: expect.any(Object) } },
      },
    },
  ],
  [
    "publishUploads",
    ["POST", `${versionPath}/2/publish`, { actor: "Ada", labels: ["not recorded"], note: "why" }],
    {
      begun: { details: { actor: "Ada", request: { note: "why" } } },
      end: { phase: "failed", errorCode: "invalid_model" },
    },
  ],
  [
    "setBackground",
    ["PUT", "/admin/models/iris/versions/1/background", { inputs: [[5.1, 3.5, 1.4, 0.2]] }],
    {
      end: {
        target: { model: "iris", version: "1" },
        details: { after: { background: expect.stringMatching(/^[0-9a-f]{32}$/), rows: 1 } },
      },
    },
  ],
  [
    "deleteBackground",
    ["DELETE", "/admin/models/iris/versions/1/background"],
    { end: { details: { before: { background: expect.stringMatching(/^[0-9a-f]{32}$/) } } } },
  ],
  [
    "setAlias",
    ["PUT", "/admin/models/iris/aliases/production", { version: "1", actor: "Ada", note: "first" }],
    {
      begun: {
        target: { model: "iris", alias: "production" },
        details: { actor: "Ada", request: { version: "1", note: "first" } },
      },
      end: {
        details: {
          actor: "Ada",
          before: { production: null, revision: 0 },
          after: { production: { split: [{ version: "1", weight: 1 }] }, revision: 1 },
        },
      },
    },
  ],
  [
    "setShadow",
    ["PUT", "/admin/models/iris/aliases/production/shadow", { version: "2", sample: 0.25 }],
    {
      end: {
        details: {
          before: { production: { split: [{ version: "1", weight: 1 }] }, revision: 1 },
          after: {
            production: {
              split: [{ version: "1", weight: 1 }],
              shadow: { version: "2", sample: 0.25 },
            },
            revision: 2,
          },
        },
      },
    },
  ],
  [
    "deleteShadow",
    ["DELETE", "/admin/models/iris/aliases/production/shadow"],
    { end: { details: { after: { revision: 3 } } } },
  ],
  [
    "setAlias",
    ["PUT", "/admin/models/iris/aliases/production", { split: { 1: 90, 2: 10 }, sticky: "key" }],
    {
      begun: { details: { request: { split: { 1: 90, 2: 10 }, sticky: "key" } } },
      end: { details: { before: { revision: 3 }, after: { revision: 4 } } },
    },
  ],
  [
    "rollBackAlias",
    ["POST", "/admin/models/iris/aliases/production/rollback", {}],
    {
      end: {
        details: {
          before: { production: { sticky: "key" }, revision: 4 },
          after: { production: { split: [{ version: "1", weight: 1 }] }, revision: 5 },
        },
      },
    },
  ],
  [
    "deleteAlias",
    ["DELETE", "/admin/models/iris/aliases/production"],
    { end: { details: { after: { production: null, revision: 6 } } } },
  ],
  [
    "deleteVersion",
    ["DELETE", "/admin/models/iris/versions/3?force=true", { actor: "Ada" }],
    {
      begun: { details: { actor: "Ada", request: { force: "true" } } },
      end: { details: { after: { deletedAt: expect.any(String), removedObjects: 2 } } },
    },
  ],
  [
    "purgeCache",
    ["POST", "/admin/cache/purge", { model: "iris" }],
    {
      begun: { details: { request: { model: "iris" } } },
      end: { details: { after: { complete: true } } },
    },
  ],
  [
    "collectGarbage",
    ["POST", "/admin/gc", { olderThanSeconds: 0 }],
    {
      begun: { details: { request: { olderThanSeconds: 0 } } },
      end: { details: { after: { removed: 0, failed: 0, complete: true } } },
    },
  ],
  [
    "encryptObjects",
    ["POST", "/admin/encryption", { plain: true }],
    {
      begun: { details: { request: { plain: true } } },
      end: { phase: "failed", errorCode: "not_supported" },
    },
  ],
  [
    "loadModel",
    ["POST", "/v2/repository/models/iris/load"],
    { end: { target: { model: "iris" }, details: { after: { version: "2", state: "ready" } } } },
  ],
  [
    "unloadModel",
    ["POST", "/v2/repository/models/iris/unload"],
    { end: { details: { after: { unloaded: ["2", "1"] } } } },
  ],
  ["putAlertRules", ["PUT", "/admin/alerts/rules", { rules: 1 }], { end: WITHOUT_ALERTS }],
  ["testWebhooks", ["POST", "/admin/alerts/test"], { end: WITHOUT_ALERTS }],
  ["putWebhook", ["PUT", WEBHOOK, { url: "nowhere" }], { end: WITHOUT_ALERTS }],
  ["deleteWebhook", ["DELETE", WEBHOOK], { end: WITHOUT_ALERTS }],
  ["rotateWebhook", ["POST", `${WEBHOOK}/rotate`], { end: WITHOUT_ALERTS }],
  ["retryWebhook", ["POST", `${WEBHOOK}/retry`], { end: WITHOUT_ALERTS }],
];

describe("with an authority", () => {
  test.each(CHANGES)("%s is two entries and an event", async (operation, request, expected) => {
    const requestId = `${operation}-${crypto.randomUUID()}`;
    const [method, path, body] = request;
    const { status } = await send("audited", method, path, body, requestId);
    const entries = await entriesOf(requestId);
    const [begun, end] = entries;
    const common = {
      operation,
      requestId,
      by: expect.stringMatching(/^key:[0-9a-f]{8}$/),
      change: begun?.change,
    };
    expect(entries).toHaveLength(2);
    expect(begun).toMatchObject({ ...common, phase: "begun", ...expected.begun });
    expect(end).toMatchObject({ ...common, phase: "done", ...expected.end });
    expect(status < 300).toBe(end?.phase === "done");
    const event = await auditEvent(requestId);
    expect(event).toMatchObject({
      operation,
      outcome: end?.phase,
      seq: end?.seq,
      hash: end?.hash,
      ...end?.details,
    });
  });

  test("every operation that is audited is in this test, or in that of its own", () => {
    const elsewhere =
      /^(?:create|change|rotate|revoke)Key$|^(?:set|delete)Profile$|[sS]ession|[eE]ras|[eE]xport/;
    const operations = PROTOCOLS.flatMap(({ operations }) => operations);
    const missing = operations.filter(
      (operation) =>
        !runsModels(operation) &&
        operation.audit &&
        !elsewhere.test(operation.id) &&
        !CHANGES.some(([id]) => id === operation.id),
    );
    expect(missing.map(({ id }) => id)).toEqual([]);
  });

  test("a body that is nested deeply is refused as it is without an audit log", async () => {
    const depth = 12_000;
    const body = new TextEncoder().encode(`{"all":${"[".repeat(depth)}${"]".repeat(depth)}}`);
    const { status, body: problem } = await audited("POST", "/admin/cache/purge", body);
    expect([status, problem.code]).toEqual([400, expect.stringMatching(/^invalid_/)]);
    const [, begun] = await readLog("operation=purgeCache&limit=2");
    expect(JSON.stringify(begun).length).toBeLessThan(2000);
  });

  test("a job that removes garbage is recorded", async () => {
    const worker = await workers.miniflare.getWorker("audited");
    await worker.scheduled({ scheduledTime: new Date() });
    const entries = await readLog("operation=sweepGarbage");
    expect(entries).toMatchObject([
      { phase: "done", by: "schedule", details: { after: { failed: 0 } } },
      { phase: "begun", by: "schedule" },
    ]);
  });

  test("the log is one chain, whose head does not depend on the isolate, and has no key", async () => {
    const { body: head } = await audited("GET", "/admin/audit/head");
    const entries = await readLog();
    const verifier = createChainVerifier([head as unknown as AuditHead]);
    for (const entry of entries) await verifier.add(entry);
    const report = verifier.end();
    expect(report).toEqual({ head, problems: [], open: [], erased: 0 });
    expect(entries.length).toBeGreaterThanOrEqual(2 * CHANGES.length);
    expect(JSON.stringify(entries)).not.toContain(ADMIN_KEY);
    expect(JSON.stringify(entries)).not.toContain("not recorded");
  });

  test("changes at the same time are one chain", async () => {
    const before = (await readLog("limit=1"))[0]?.seq ?? 0;
    await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        audited("POST", "/admin/cache/purge", { model: `model-${index}` }),
      ),
    );
    const entries = await readLog(`after=${before}`);
    expect(entries.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 24 }, (_, index) => before + 1 + index),
    );
    const verifier = createChainVerifier();
    for (const entry of await readLog()) await verifier.add(entry);
    expect(verifier.end().problems).toEqual([]);
  });

  test("what reads is not recorded, and what is refused before it begins neither", async () => {
    const before = await readLog("limit=1");
    await audited("GET", "/admin/models");
    await audited("GET", "/admin/models/iris/history");
    const origin = await workers.originOf("audited");
    const refused = await fetch(`${origin}/admin/cache/purge`, { method: "POST", body: "{}" });
    expect(refused.status).toBe(401);
    expect(await readLog("limit=1")).toEqual(before);
  });

  test.each([
    ["limit=0", "limit"],
    ["limit=1001", "limit"],
    ["after=-1", "after"],
    ["after=1&before=2", "after"],
    ["model=%00", "model"],
    ["by=a%20b", "by"],
    ["since=today", "since"],
  ])("the query %s is refused", async (query, field) => {
    const { status, body } = await audited("GET", `/admin/audit?${query}`);
    expect([status, body.code, body.details]).toEqual([400, "invalid_request", { field }]);
  });
});

test("with an authority that is out of reach nothing is changed", async () => {
  const refused = await send("cut-off", "PUT", "/admin/models/iris/aliases/other", {
    version: "1",
  });
  expect([refused.status, refused.body.code]).toEqual([503, "authority_unavailable"]);
  const { body } = await send("cut-off", "GET", "/admin/models/iris/routing");
  expect(body.aliases).not.toHaveProperty("other");
  expect((await send("cut-off", "GET", "/admin/audit")).status).toBe(503);
});

test("without an authority changes are events only", async () => {
  const requestId = `without-${crypto.randomUUID()}`;
  const purged = await send("without", "POST", "/admin/cache/purge", { all: true }, requestId);
  expect(purged.status).toBe(200);
  const event = await auditEvent(requestId);
  expect(event).toMatchObject({ operation: "purgeCache", outcome: "done", request: { all: true } });
  expect(event).not.toHaveProperty("seq");
  const { status, body } = await send("without", "GET", "/admin/audit");
  expect([status, body.code]).toEqual([501, "not_supported"]);
});
