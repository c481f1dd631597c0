import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { hostingCollector } from "../support/collectors.ts";
import { poll } from "../support/poll.ts";
import { findModel, publishAs } from "../support/publish.ts";
import { startWorkers, type Workers } from "../support/workers.ts";

/** Alerts in workerd: requests are collected, an alarm evaluates the rules, and messages go over HTTP to a receiver of this process. */

const KEY = "a-key-for-tests";
const TOKEN = "a-token-in-the-path";
const IRIS = JSON.stringify({
  inputs: [{ name: "features", shape: [1, 4], datatype: "FP32", data: [5.1, 3.5, 1.4, 0.2] }],
});
/** Fires with the first request. */
const RULE = {
  name: "any-request",
  kind: "latency",
  threshold: 0,
  minimumRequests: 1,
  forSeconds: 0,
  description: null,
};

interface Received {
  readonly headers: Record<string, string>;
  readonly body: string;
}

let workers: Workers;
let receiverUrl: string;
const received: Received[] = [];
/** What the receiver does with the next messages; after that it answers 204. */
const faults: ((response: ServerResponse) => void)[] = [];
const receiver = createServer((request: IncomingMessage, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    const headers = request.headers as Record<string, string>;
    received.push({ headers, body: Buffer.concat(parts).toString() });
    const fault = faults.shift();
    if (fault) return fault(response);
    response.writeHead(204).end();
  });
});

beforeAll(async () => {
  await new Promise<void>((listening) => receiver.listen(0, "127.0.0.1", listening));
  receiverUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/${TOKEN}`;
  workers = await startWorkers([
    {
      name: "alerts",
      code: { outdir: inject("workerBuild") },
      bindings: {
        ADMIN_KEY: KEY,
        PRIVACY_KEY: Buffer.alloc(32, 7).toString("base64"),
        CACHE_TIERS: "",
        MONITORING_FLUSH_MS: "100",
        ALERT_INTERVAL_SECONDS: "1",
      },
      r2Buckets: { MODELS: "models" },
      ...hostingCollector(),
    },
  ]);
  const model = findModel("iris-logistic");
  await publishAs(await workers.bucket("MODELS"), model, model.manifest);
});

afterAll(async () => {
  await workers?.dispose();
  receiver.closeAllConnections();
  receiver.close();
});

async function admin(
  method: string,
  path: string,
  value?: unknown,
  headers: Record<string, string> = {},
) {
  const response = await fetch(`${workers.origin}/admin/alerts${path}`, {
    method,
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json", ...headers },
    ...(value !== undefined && { body: JSON.stringify(value) }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

test("an alert is told once when it begins and once when it ends, to a receiver that fails", async () => {
  const put = await admin("PUT", "/webhooks/operators", { url: receiverUrl, models: null });
  expect(put).toMatchObject({ status: 201, body: { state: "enabled", url: receiverUrl } });
  expect(put.headers.get("cache-control")).toBe("no-store");
  const { secret } = put.body as { secret: string };
  const verifier = new Webhook(secret);
  const { body: tested } = await admin("POST", "/test");
  expect(tested).toMatchObject({ deliveries: [{ state: "delivered", status: 204, attempts: 1 }] });
  expect(verifier.verify(received[0]?.body ?? "", received[0]?.headers ?? {})).toMatchObject({
    type: "alert.test",
  });

  // One fails, one has its answer lost; the retry is asked for, because it would be due after seconds.
  faults.push(
    (response) => void response.writeHead(500).end(),
    (response) => void response.destroy(),
  );
  const rules = await admin("PUT", "/rules", { rules: [RULE] }, { "if-match": '"0"' });
  expect(rules).toMatchObject({ status: 200, body: { revision: 1, isDefault: false } });
  expect((await admin("PUT", "/rules", {}, { "if-match": '"0"' })).status).toBe(412);
  const inferred = await fetch(`${workers.origin}/v2/models/iris-logistic/infer`, {
    method: "POST",
    body: IRIS,
    headers: { "content-type": "application/json" },
  });
  expect(inferred.status).toBe(200);
  for (const attempts of [1, 2]) {
    await poll(`attempt ${attempts}`, async () => {
      const { body } = await admin("GET", "/deliveries?state=pending");
      const { deliveries } = body as { deliveries: { attempts: number; problem?: string }[] };
      return deliveries.some((each) => each.attempts === attempts && each.problem) || undefined;
    });
    expect((await admin("POST", "/webhooks/operators/retry")).body).toEqual({ retried: 1 });
  }
  await poll("delivered message", async () => received.length >= 4 || undefined);
  await admin("PUT", "/rules", { rules: [] });
  await poll("message of the end", async () => received.length >= 5 || undefined);

  const [, ...messages] = received;
  const ids = messages.map(({ headers }) => headers["webhook-id"]);
  expect(ids).toEqual([ids[0], ids[0], ids[0], ids[0]?.replace("firing", "resolved")]);
  expect(new Set(messages.slice(0, 3).map(({ body }) => body)).size).toBe(1);
  for (const { body, headers } of messages)
    expect(verifier.verify(body, headers)).toMatchObject({
      data: { rule: "any-request", kind: "latency", model: "iris-logistic", version: "1" },
    });
  const { body: report } = await admin("GET", "");
  expect(report).toMatchObject({
    alerts: [{ rule: "any-request", state: "resolved", resolution: "rule_removed" }],
    history: [
      { transition: "resolved", messageId: ids[3] },
      { transition: "firing", messageId: ids[0] },
    ],
  });

  const logged = JSON.stringify(workers.logs);
  expect(logged).toContain('\\"event\\":\\"alert\\"');
  expect(logged).not.toContain(secret.slice("whsec_".length, 24));
  expect(logged).not.toContain(TOKEN);
});
