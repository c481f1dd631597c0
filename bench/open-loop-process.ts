import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { setTimeout } from "node:timers/promises";
import { HEADERS } from "./load.ts";
import type { OpenLoop, OpenLoopResult, Percentiles, Responses } from "./open-loop.ts";

// The program behind open-loop.ts: reads an OpenLoop from standard input, prints an OpenLoopResult.

/** A request without a response by then has failed. */
const TIMEOUT_MS = 60_000;

interface Sample {
  readonly dueMs: number;
  readonly status: number;
  readonly respondedMs: number;
  readonly retryAfter: string | undefined;
}

const loop = JSON.parse(readFileSync(0, "utf8")) as OpenLoop;
const agent = new Agent({ keepAlive: true, maxSockets: loop.connections });
const headers = { ...HEADERS, "content-length": Buffer.byteLength(loop.body) };
const lagsMs: number[] = [];
const startMs = performance.now();
const endMs = startMs + loop.seconds * 1000;
const samples = await sendAll();
agent.destroy();
console.log(JSON.stringify(toResult()));

async function sendAll(): Promise<(Sample | undefined)[]> {
  const sent: Promise<Sample | undefined>[] = [];
  const count = Math.round(loop.perSecond * loop.seconds);
  while (sent.length < count) {
    const elapsedMs = performance.now() - startMs;
    const due = Math.min(count, Math.floor((elapsedMs * loop.perSecond) / 1000) + 1);
    while (sent.length < due) sent.push(send(startMs + (sent.length * 1000) / loop.perSecond));
    await setTimeout(1);
  }
  return Promise.all(sent);
}

/** @returns `undefined` when there was no response */
function send(dueMs: number): Promise<Sample | undefined> {
  return new Promise((resolve) => {
    const post = request(loop.url, { method: "POST", headers, agent, timeout: TIMEOUT_MS });
    post.on("socket", () => lagsMs.push(performance.now() - dueMs));
    post.on("timeout", () => post.destroy());
    post.on("error", () => resolve(undefined));
    post.on("response", (response) => {
      const { statusCode: status = 0 } = response;
      const retryAfter = response.headers["retry-after"];
      response.on("error", () => resolve(undefined)).resume();
      response.on("end", () =>
        resolve({ dueMs, status, retryAfter, respondedMs: performance.now() }),
      );
    });
    post.end(loop.body);
  });
}

function toResult(): OpenLoopResult {
  const responded = samples.filter((sample) => sample !== undefined);
  const byStatus = Object.groupBy(responded, ({ status }) => status);
  return {
    requests: samples.length,
    failed: samples.length - responded.length,
    lagMs: toPercentiles(lagsMs),
    responses: Object.fromEntries(
      Object.entries(byStatus).map(([status, of = []]) => [status, toResponses(of)]),
    ),
  };
}

function toResponses(of: readonly Sample[]): Responses {
  const retryAfter = new Set(of.flatMap(({ retryAfter }) => retryAfter ?? []).map(Number));
  return {
    count: of.length,
    inTime: of.filter(({ respondedMs }) => respondedMs <= endMs).length,
    latencyMs: toPercentiles(of.map(({ dueMs, respondedMs }) => respondedMs - dueMs)),
    retryAfterSeconds: [...retryAfter].sort((a, b) => a - b),
  };
}

function toPercentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
