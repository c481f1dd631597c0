import { beforeEach, describe, expect, test } from "vitest";
import { toRule } from "../../../../src/domain/alerts/kinds/registry.ts";
import { migrate } from "../../../../src/domain/durable-object/migrate.ts";
import type { TelemetryEvent } from "../../../../src/domain/event.ts";
import type { WindowsRequest } from "../../../../src/domain/monitoring/collector.ts";
import type { Window } from "../../../../src/domain/monitoring/monitoring.ts";
import { type Alerting, createAlerting } from "../../../../src/monitoring/alerts/alerting.ts";
import { ALERT_MIGRATIONS } from "../../../../src/monitoring/alerts/tables.ts";
import { windowOf } from "../../../support/alerts.ts";
import { poll } from "../../../support/poll.ts";
import { createTestStorage, type TestStorage } from "../../../support/sql.ts";
import { createReceiver, signatureOf } from "../../../support/webhook-receiver.ts";

/** Everything that is in the Durable Object, over SQLite of Node, a clock that is moved by hand, and a receiver in this process. */

const MINUTE = 60_000;
/** Of a day with one each minute, and its messages. */
const MAX_ALARMS = 5000;
const DAY = 86_400_000;
const URL = "https://alerts.example.com/hook?token=a-token-of-the-receiver";
const RULE = { name: "errors", kind: "error_ratio", forSeconds: 60, clearSeconds: 120 };

let storage: TestStorage;
let receiver: ReturnType<typeof createReceiver>;
let alerting: Alerting;
let windows: readonly Window[];
let past: readonly Window[];
let events: TelemetryEvent[];
let reads: { model: string; request: WindowsRequest }[];
let privacyKey: Uint8Array<ArrayBuffer> | undefined;
let works: Promise<void>[];
let random: number;
let hang: PromiseWithResolvers<void>;

beforeEach(() => {
  storage = createTestStorage();
  migrate(storage, ALERT_MIGRATIONS);
  receiver = createReceiver();
  [windows, past, events, reads] = [[], [], [], []];
  hang = Promise.withResolvers();
  privacyKey = new Uint8Array(32).fill(7);
  random = 0.5;
  restart();
});

/** What was in memory is gone. */
function restart(): void {
  works = [];
  hang = Promise.withResolvers();
  // What an object before has begun goes to its receiver.
  const own = receiver;
  alerting = createAlerting({
    storage,
    collector: {
      models: async () => [{ model: "iris", seenAt: storage.now() }],
      windows: async () => [],
    },
    environment: {
      shard: (model) => ({
        windows: async (request) => {
          reads.push({ model, request });
          return request.stepSeconds > 3600 ? past : windows;
        },
      }),
      reports: async () => ({}),
      fetch: (url, init) => own.fetch(url, init),
      emit(event) {
        events.push(event);
        return event;
      },
      privacyKey,
      evaluateEveryMs: MINUTE,
      userAgent: "onnxflare/0",
    },
    onDue: () => undefined,
    onWork: (work) => void works.push(work),
    random: () => random,
  });
}

/** Waits for what goes on beside the alarm, unless a receiver hangs. */
async function settle(): Promise<void> {
  await Promise.race([Promise.all(works), hang.promise]);
  works = [];
}

/** A receiver that hangs. */
function neverAnswers(): () => Promise<Response> {
  const { resolve: hangs } = hang;
  return () => {
    hangs();
    return new Promise(() => undefined);
  };
}

/** Moves the clock to the alarm after another, as the platform does, and runs it. */
async function runFor(milliseconds: number, { requests = true } = {}): Promise<void> {
  const end = storage.now() + milliseconds;
  for (let alarms = 0; alarms < MAX_ALARMS; alarms++) {
    if (requests) alerting.see({ models: ["iris"], windows: [] });
    const at = alerting.dueAt?.();
    if (at === undefined || at > end) break;
    storage.advance(Math.max(0, at - storage.now()));
    await alerting.work?.();
    await settle();
  }
  storage.advance(end - storage.now());
}

function failing(percent: number): void {
  const outcomes = { 200: 100 - percent, "500 internal": percent };
  windows = [windowOf({ requests: 100, outcomes }, "iris", "1", storage.now())];
}

async function addWebhook(name = "operators", fields: object = {}): Promise<string> {
  const { secret } = await alerting.putWebhook(name, { url: URL, ...fields });
  return secret ?? "";
}

/** From requests that fail to the message of it. */
async function fire(): Promise<void> {
  await alerting.putAlertRules([toRule(RULE)], undefined);
  failing(50);
  await runFor(3 * MINUTE);
}

async function resolve(): Promise<void> {
  failing(0);
  await runFor(4 * MINUTE);
}

describe("an alert", () => {
  test("is told to a webhook when it fires and when it is resolved, with a signature", async () => {
    const secret = await addWebhook();
    await fire();
    await resolve();
    const [firing, resolved, ...others] = receiver.requests;
    expect(others).toEqual([]);
    expect(JSON.parse(firing?.body ?? "")).toEqual({
      type: "alert.firing",
      timestamp: "2026-11-30T12:02:00.000Z",
      data: {
        alert: expect.stringMatching(/^alert_[a-z0-9]+_1$/),
        rule: "errors",
        kind: "error_ratio",
        severity: "critical",
        state: "firing",
        model: "iris",
        version: "1",
        summary:
          "iris version 1: 50 % of 100 requests failed in 5 minutes, most of them with 500 internal",
        value: 0.5,
        unit: "ratio",
        threshold: 0.05,
        details: { failed: 50, mostFrequent: "500 internal" },
        pendingAt: "2026-11-30T12:01:00.000Z",
        firedAt: "2026-11-30T12:02:00.000Z",
      },
    });
    expect(JSON.parse(resolved?.body ?? "")).toMatchObject({
      type: "alert.resolved",
      data: { state: "resolved", resolution: "clear", value: 0 },
    });
    for (const message of receiver.requests)
      expect(message.signatures).toEqual([signatureOf(secret, message)]);
    expect(resolved?.id).toBe(firing?.id.replace("firing", "resolved"));
  });

  test("is an event without its client, and is in the report and the history", async () => {
    await addWebhook();
    await fire();
    expect(events).toEqual([
      {
        event: "alert",
        schemaVersion: 3,
        time: "2026-11-30T12:02:00.000Z",
        id: expect.any(String),
        rule: "errors",
        kind: "error_ratio",
        severity: "critical",
        state: "firing",
        model: "iris",
        version: "1",
        value: 0.5,
        threshold: 0.05,
      },
    ]);
    const report = await alerting.alerts({ limit: 10 });
    expect(report.alerts).toMatchObject([{ rule: "errors", state: "firing" }]);
    expect(report.history).toMatchObject([
      { transition: "firing", messageId: receiver.requests[0]?.id },
    ]);
    expect(await alerting.alertsSummary()).toMatchObject({
      firing: [{ rule: "errors", severity: "critical", model: "iris", version: "1" }],
      deliveries: { delivered: 1 },
      waiting: 0,
    });
  });

  test("of a muted rule is told when the rule is muted no more, and only then its end", async () => {
    await addWebhook();
    const mutedUntil = new Date(storage.now() + 10 * MINUTE).toISOString();
    await alerting.putAlertRules([toRule({ ...RULE, mutedUntil })], undefined);
    failing(50);
    await runFor(9 * MINUTE);
    expect(receiver.requests).toEqual([]);
    await runFor(3 * MINUTE);
    await resolve();
    expect(receiver.types()).toEqual(["alert.firing", "alert.resolved"]);
  });

  test("that began and ended while its rule was muted is not told", async () => {
    await addWebhook();
    const mutedUntil = new Date(storage.now() + 60 * MINUTE).toISOString();
    await alerting.putAlertRules([toRule({ ...RULE, mutedUntil })], undefined);
    failing(50);
    await runFor(5 * MINUTE);
    await resolve();
    await runFor(90 * MINUTE);
    expect(receiver.requests).toEqual([]);
    expect((await alerting.alerts({ limit: 10 })).history).toHaveLength(2);
  });

  test("is told to the webhooks of its severity and model alone", async () => {
    await addWebhook("all");
    await addWebhook("info", { severities: ["info", "warning"] });
    await addWebhook("digits", { models: ["digits*"] });
    await addWebhook("iris", { models: ["iris"], severities: ["critical"] });
    await addWebhook("off", { enabled: false });
    await fire();
    const deliveries = await alerting.deliveries({ limit: 10 });
    expect(deliveries.map(({ webhook }) => webhook).sort()).toEqual(["all", "iris"]);
  });
});

describe("evaluations", () => {
  test("go on once a minute while there are requests, and rest without", async () => {
    await runFor(10 * MINUTE);
    expect((await alerting.alertsSummary()).evaluations).toBe(10);
    await runFor(120 * MINUTE, { requests: false });
    const { evaluations } = await alerting.alertsSummary();
    expect(evaluations).toBeLessThan(45);
    expect(alerting.dueAt?.()).toBeUndefined();
    await runFor(2 * MINUTE);
    expect((await alerting.alertsSummary()).evaluations).toBeGreaterThan(evaluations);
  });

  test("go on without requests until an alert is resolved", async () => {
    await addWebhook();
    await fire();
    windows = [];
    await runFor(120 * MINUTE, { requests: false });
    expect(receiver.types()).toEqual(["alert.firing", "alert.resolved"]);
    expect((await alerting.alerts({ limit: 1 })).history[0]?.alert.resolution).toBe("no_data");
  });

  test("read the past once an hour, and the last minutes each time", async () => {
    await alerting.putAlertRules(
      [toRule({ name: "hits", kind: "cache_collapse" }), toRule(RULE)],
      undefined,
    );
    reads = [];
    storage.advance(Date.parse("2026-11-30T13:00:30Z") - storage.now());
    await runFor(59 * MINUTE);
    const past = reads.filter(({ request }) => request.stepSeconds > 3600);
    expect(past.map(({ request }) => new Date(request.to).toISOString())).toEqual([
      "2026-11-30T12:00:00.000Z",
    ]);
    expect(reads.length).toBeGreaterThan(100);
  });

  test("that cannot read a model say so, and judge the others", async () => {
    windows = undefined as never;
    await alerting.putAlertRules([toRule(RULE)], undefined);
    await runFor(2 * MINUTE);
    const report = await alerting.alerts({ limit: 1 });
    expect(report.problem).toMatch(/^iris: /);
    expect(await alerting.alertsSummary()).toMatchObject({ failedEvaluations: 2 });
  });
});

describe("a message", () => {
  test("arrives once whatever happens to it: 500, a hang, a lost answer, a restart", async () => {
    await addWebhook();
    const faults: ((message: Parameters<NonNullable<typeof receiver.answer>>[0]) => Response)[] = [
      () => new Response(null, { status: 500 }),
      () => {
        throw Object.assign(new Error("timed out"), { name: "TimeoutError" });
      },
      (message) => {
        receiver.accept(message);
        throw new Error("connection reset");
      },
      () => new Response(null, { status: 302, headers: { location: "http://10.0.0.1/" } }),
    ];
    receiver.answer = (message) => {
      const fault = faults.shift();
      if (fault) return fault(message);
      receiver.accept(message);
      return new Response(null, { status: 200 });
    };
    await fire();
    // Ends in the middle of everything, five times.
    for (let count = 0; count < 5; count++) {
      restart();
      await runFor(2 * MINUTE);
    }
    await resolve();
    await runFor(60 * MINUTE);
    expect(receiver.types()).toEqual(["alert.firing", "alert.resolved"]);
    expect(receiver.requests.length).toBeGreaterThan(4);
    expect(new Set(receiver.requests.map(({ id }) => id)).size).toBe(2);
    expect(receiver.requests.every(({ url }) => url === URL)).toBe(true);
    const bodies = receiver.requests.filter(({ id }) => id.endsWith("firing"));
    expect(new Set(bodies.map(({ body }) => body)).size).toBe(1);
  });

  test("whose attempt never ended, because the object did, is sent again", async () => {
    await addWebhook();
    receiver.answer = neverAnswers();
    await fire();
    receiver.answer = undefined;
    restart();
    await runFor(2 * MINUTE);
    expect(receiver.types()).toEqual(["alert.firing"]);
    expect(receiver.requests.length).toBeGreaterThan(1);
  });

  test("is tried again after growing pauses, and given up after a day", async () => {
    await addWebhook();
    receiver.answer = () => new Response(null, { status: 503 });
    await fire();
    const times: number[] = [];
    receiver.answer = () => {
      times.push(storage.now());
      return new Response(null, { status: 503 });
    };
    await runFor(2 * DAY);
    const pauses = times.slice(1).map((at, index) => Math.round((at - (times[index] ?? 0)) / 1000));
    expect(pauses.slice(0, 4)).toEqual([320, 1280, 5120, 14_400]);
    const [delivery] = await alerting.deliveries({ limit: 1 });
    const attempts = receiver.requests.length;
    expect(delivery).toMatchObject({ state: "dead", status: 503, attempts });
    expect((delivery?.at ?? 0) - (delivery?.createdAt ?? 0)).toBe(DAY);
    expect((await alerting.webhook("operators")).dead).toBe(1);
  });

  test.each([0, 0.123456789, 0.999999])("is tried again with a jitter of %d", async (drawn) => {
    random = drawn;
    await addWebhook();
    receiver.answer = () => new Response(null, { status: 503 });
    await fire();
    const [delivery] = await alerting.deliveries({ limit: 1 });
    const { at = 0, nextAt = 0, attempts = 0 } = delivery ?? {};
    const pause = 5000 * 4 ** (attempts - 1);
    expect(nextAt - at).toBe(Math.round(pause * (0.8 + 0.4 * drawn)));
  });

  test("given up is sent again when somebody asks for it", async () => {
    await addWebhook();
    receiver.answer = () => new Response(null, { status: 503 });
    await fire();
    await runFor(2 * DAY);
    receiver.answer = undefined;
    expect(await alerting.retryDeliveries("operators")).toBe(1);
    await runFor(MINUTE);
    expect(receiver.types()).toEqual(["alert.firing"]);
  });

  test("waits as long as its receiver asks for", async () => {
    await addWebhook();
    receiver.answer = () => new Response(null, { status: 429, headers: { "retry-after": "600" } });
    await fire();
    expect(receiver.requests).toHaveLength(1);
    receiver.answer = undefined;
    await runFor(8 * MINUTE);
    expect(receiver.requests).toHaveLength(1);
    await runFor(2 * MINUTE);
    expect(receiver.requests).toHaveLength(2);
  });

  test("of an end waits for that of the beginning", async () => {
    await addWebhook();
    receiver.answer = () => new Response(null, { status: 500 });
    await fire();
    failing(0);
    await runFor(15 * MINUTE);
    expect(new Set(receiver.requests.map(({ id }) => id)).size).toBe(1);
    receiver.answer = undefined;
    await runFor(30 * MINUTE);
    expect(receiver.types()).toEqual(["alert.firing", "alert.resolved"]);
  });

  test("to a receiver that hangs keeps no other receiver waiting", async () => {
    for (const name of ["a", "b", "c"]) await addWebhook(name);
    await addWebhook("hangs", { url: "https://slow.example.com/" });
    const [hangs, own] = [neverAnswers(), receiver];
    receiver.answer = (message) => {
      if (message.url.includes("slow")) return hangs();
      own.accept(message);
      return new Response(null, { status: 200 });
    };
    await fire();
    const delivered = await poll("the other deliveries", async () => {
      const all = await alerting.deliveries({ limit: 10, state: "delivered" });
      return all.length === 3 ? all : undefined;
    });
    expect(delivered.map(({ webhook }) => webhook).sort()).toEqual(["a", "b", "c"]);
    // Nothing is due at once while it hangs, or the alarm would come again and again.
    await alerting.putAlertRules([], undefined);
    await alerting.work?.();
    expect((alerting.dueAt?.() ?? 0) - storage.now()).toBeGreaterThan(1000);
  });
});

describe("a webhook", () => {
  test("whose receiver is gone (410) gets nothing more until it is enabled again", async () => {
    await addWebhook();
    receiver.answer = () => new Response(null, { status: 410 });
    await fire();
    await resolve();
    expect(receiver.requests.map(({ id }) => id)).toHaveLength(1);
    expect(await alerting.webhook("operators")).toMatchObject({ state: "gone", dead: 1 });
    receiver.answer = undefined;
    await alerting.putWebhook("operators", { url: URL, enabled: true });
    await fire();
    expect(receiver.types()).toEqual(["alert.firing"]);
  });

  test("has messages with two signatures for a time after its secret was changed", async () => {
    const before = await addWebhook();
    const { secret: after, webhook } = await alerting.rotateWebhook("operators", 3600);
    expect(after).not.toBe(before);
    expect(webhook.previousSecretUntil).toBe(storage.now() + 3_600_000);
    await alerting.testWebhooks("operators");
    storage.advance(3_600_000);
    await alerting.testWebhooks("operators");
    const [first, second] = receiver.requests;
    if (!first || !second) throw new Error("two messages were expected");
    expect(first.signatures).toEqual([signatureOf(after, first), signatureOf(before, first)]);
    expect(second.signatures).toEqual([signatureOf(after, second)]);
  });

  test("whose secret leaked loses it at once", async () => {
    await addWebhook();
    const { secret } = await alerting.rotateWebhook("operators", 0);
    await alerting.testWebhooks("operators");
    const [message] = receiver.requests;
    expect(message?.signatures).toEqual(message && [signatureOf(secret, message)]);
  });

  test("keeps its secret when it is changed, and no secret is ever stored", async () => {
    const secret = await addWebhook();
    const {
      before,
      webhook,
      secret: again,
    } = await alerting.putWebhook("operators", {
      url: "https://other.example.com/",
    });
    expect([before?.url, webhook.url, again]).toEqual([
      URL,
      "https://other.example.com/",
      undefined,
    ]);
    await alerting.testWebhooks("operators");
    const [message] = receiver.requests;
    expect(message?.signatures).toEqual(message && [signatureOf(secret, message)]);
    const tables = [...storage.sql.exec("SELECT name FROM sqlite_master WHERE type = 'table'")];
    const rows = tables.flatMap(({ name }) => [...storage.sql.exec(`SELECT * FROM "${name}"`)]);
    const stored = JSON.stringify(rows);
    expect(stored).toContain("other.example.com");
    expect(stored).not.toContain(secret.slice("whsec_".length, 20));
  });

  test("whose key was replaced says so, and works again with a new secret", async () => {
    await addWebhook();
    privacyKey = new Uint8Array(32).fill(8);
    restart();
    expect((await alerting.webhook("operators")).state).toBe("secret_lost");
    const [delivery] = await alerting.testWebhooks("operators");
    expect(delivery).toMatchObject({
      state: "dead",
      problem: expect.stringContaining("PRIVACY_KEY"),
    });
    expect(receiver.requests).toEqual([]);
    const { secret, webhook } = await alerting.rotateWebhook("operators", 3600);
    expect(webhook).toMatchObject({ state: "enabled" });
    expect(webhook.previousSecretUntil).toBeUndefined();
    await alerting.testWebhooks("operators");
    const [message] = receiver.requests;
    expect(message?.signatures).toEqual(message && [signatureOf(secret, message)]);
  });

  test("cannot be made without PRIVACY_KEY", async () => {
    privacyKey = undefined;
    restart();
    await expect(addWebhook()).rejects.toMatchObject({ code: "not_supported" });
  });

  test("that is deleted takes with it what waits for it", async () => {
    await addWebhook();
    receiver.answer = () => new Response(null, { status: 500 });
    await fire();
    await alerting.deleteWebhook("operators");
    receiver.answer = undefined;
    await runFor(DAY);
    expect(receiver.types()).toEqual([]);
    await expect(alerting.webhook("operators")).rejects.toMatchObject({
      code: "webhook_not_found",
      message: 'There is no webhook "operators"; there are none.',
    });
  });

  test("is tested once, and says what its receiver answered", async () => {
    await addWebhook();
    expect(await alerting.testWebhooks(undefined)).toMatchObject([
      { webhook: "operators", type: "alert.test", state: "delivered", status: 204, attempts: 1 },
    ]);
    receiver.answer = () => new Response(null, { status: 404 });
    expect(await alerting.testWebhooks("operators")).toMatchObject([
      { state: "dead", status: 404, problem: "the receiver answered 404" },
    ]);
    await runFor(DAY);
    expect(receiver.requests).toHaveLength(2);
  });

  test("is never repeated in what is said of a failure, because its URL may have a secret", async () => {
    await addWebhook();
    receiver.answer = () => {
      throw new Error(`cannot connect to ${URL}`);
    };
    await fire();
    const said = JSON.stringify([await alerting.deliveries({ limit: 9 }), events]);
    expect(said).toContain("the connection failed");
    expect(said).not.toContain("a-token-of-the-receiver");
  });
});

test("rules are replaced only in the revision that they were read in, and back to the default ones", async () => {
  expect(await alerting.alertRules()).toMatchObject({ revision: 0, isDefault: true });
  await alerting.putAlertRules([toRule(RULE)], 0);
  await expect(alerting.putAlertRules([], 0)).rejects.toMatchObject({
    code: "precondition_failed",
  });
  restart();
  expect(await alerting.alertRules()).toMatchObject({
    revision: 1,
    isDefault: false,
    rules: [{ name: "errors" }],
  });
  await alerting.putAlertRules(undefined, 1);
  expect(await alerting.alertRules()).toMatchObject({ revision: 2, isDefault: true });
});

test("what alerts tell of a client is exported, and erased with the messages that wait", async () => {
  await addWebhook();
  await alerting.putAlertRules([toRule({ name: "clients", kind: "unusual_client" })], undefined);
  const week = storage.now() - 7 * DAY;
  past = [windowOf({ requests: 67_200, principals: { "key:a": 67_200 } }, "iris", "1", week)];
  windows = [windowOf({ requests: 5000, principals: { "key:a": 5000 } })];
  receiver.answer = () => new Response(null, { status: 500 });
  await runFor(5 * MINUTE);
  const key = { kind: "key", value: "a" } as const;
  expect(await alerting.export?.(key)).toHaveLength(2);
  expect(await alerting.export?.({ kind: "key", value: "b" })).toEqual([]);
  expect(await alerting.erase?.(key)).toBe(3);
  expect(await alerting.export?.(key)).toEqual([]);
  expect(await alerting.deliveries({ limit: 9 })).toEqual([]);
});
