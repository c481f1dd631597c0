import { once } from "node:events";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { expectBrowserHeaders } from "../support/browser-headers.ts";
import { poll } from "../support/poll.ts";
import { beginPost } from "../support/raw-request.ts";
import { type Service, startService } from "../support/service.ts";
import type { TestWorker } from "./workers/index.ts";
import type { StreamingState } from "./workers/streaming/index.ts";

/** A task with a streamed result, in workerd, over real connections. */

const PATH = "/models/iris-logistic";

/** More than any stream that is read to its end has. */
const MAX_EVENTS = 100;
/** Far more reads than one event takes. */
const MAX_READS = 1000;

let service: Service;

beforeAll(async () => {
  const outdir = inject("testWorkersBuild");
  service = await startService({
    outdir,
    models: ["iris-logistic"],
    vars: { TEST_WORKER: "streaming" satisfies TestWorker, MAX_IN_FLIGHT: "1" },
  });
});

afterAll(() => service?.dispose());

interface EventStream {
  readonly response: Response;
  readonly requestId: string;
  /** The next server-sent event as it was sent; `undefined` at the end of the body. */
  next(): Promise<string | undefined>;
  /** Reads to the end of the body. */
  drain(): Promise<void>;
  /** Closes the connection. */
  close(): void;
}

async function open(
  count: number,
  mode: "stepwise" | "busily" | "failing",
  headers: Record<string, string> = {},
): Promise<EventStream> {
  const controller = new AbortController();
  const response = await fetch(new URL(PATH, service.origin), {
    method: "POST",
    headers,
    body: JSON.stringify({ inputs: count, parameters: { mode } }),
    signal: controller.signal,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = "";
  let ended = false;
  async function next(): Promise<string | undefined> {
    for (let reads = 0; !ended && !buffered.includes("\n\n"); reads++) {
      if (reads === MAX_READS) throw new Error(`no whole event after ${MAX_READS} reads`);
      const { done, value = "" } = (await reader?.read()) ?? { done: true };
      ended = done;
      buffered += value;
    }
    const [event, ...others] = buffered.split("\n\n");
    buffered = others.join("\n\n");
    return event || undefined;
  }
  return {
    response,
    requestId: response.headers.get("x-request-id") ?? "",
    next,
    async drain() {
      for (let events = 0; events < MAX_EVENTS; events++) if ((await next()) === undefined) return;
      throw new Error(`the stream goes on after ${MAX_EVENTS} events`);
    },
    close: () => controller.abort(),
  };
}

async function step(): Promise<void> {
  await service.request("/step", { method: "POST" });
}

function stateOf(matches: (state: StreamingState) => boolean): Promise<StreamingState> {
  return poll(`state for which ${matches}`, async () => {
    const state = (await service.request("/state")).body as StreamingState;
    return matches(state) ? state : undefined;
  });
}

function isLogged(requestId: string): boolean {
  return service.logs.some(({ message }) => message.includes(`"requestId":"${requestId}"`));
}

test("each part is sent when it is computed, and the event is written when the body has ended", async () => {
  const stream = await open(2, "stepwise");
  const { headers, status } = stream.response;
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe("text/event-stream");
  expect(headers.get("x-accel-buffering")).toBe("no");
  expect(headers.get("cache-control")).toBe("no-store, no-transform");
  expect(headers.get("content-length")).toBeNull();
  expect(headers.get("x-model-version")).toBe("1");
  expectBrowserHeaders(headers);
  const before = await stateOf(({ waiting }) => waiting === 1);
  await step();
  expect(await stream.next()).toBe('data: {"count":1}');
  // The second part does not exist yet, and the request is not over.
  expect(await stateOf(({ waiting }) => waiting === 1)).toMatchObject({
    computed: before.computed + 1,
    ended: before.ended,
  });
  expect(isLogged(stream.requestId)).toBe(false);
  await step();
  expect(await stream.next()).toBe('data: {"count":2}');
  expect(await stream.next()).toBeUndefined();
  const event = await service.event(stream.requestId);
  expect(event).toMatchObject({
    operation: "predict",
    operationKind: "inference",
    status: 200,
    bytesOut: 2 * 'data: {"count":1}\n\n'.length,
  });
  expect(event.errorCode).toBeUndefined();
});

test("the permit is held until the body has ended", async () => {
  const stream = await open(1, "stepwise");
  await stateOf(({ waiting }) => waiting === 1);
  const refused = await service.post(PATH, { inputs: 1, parameters: { mode: "failing" } });
  expect([refused.status, refused.body]).toMatchObject([429, { code: "overloaded" }]);
  await step();
  expect(await stream.next()).toBe('data: {"count":1}');
  expect(await stream.next()).toBeUndefined();
  await service.event(stream.requestId);
  const admitted = await open(1, "failing");
  expect(admitted.response.status).toBe(200);
  await admitted.drain();
  await service.event(admitted.requestId);
});

/** After a stream whose client has disconnected: nothing more is computed, and the next request is admitted. */
async function expectEnded(requestId: string, ended: number): Promise<void> {
  const after = await stateOf((state) => state.ended === ended + 1);
  expect(await service.event(requestId)).toMatchObject({
    status: 200,
    errorCode: "client_closed_request",
  });
  const next = await open(1, "failing");
  expect(next.response.status).toBe(200);
  expect(await next.next()).toBe('data: {"count":1}');
  await next.drain();
  await service.event(next.requestId);
  expect((await stateOf(() => true)).computed).toBe(after.computed + 1);
}

test("a client that closes the connection while parts are computed ends the work, its permit and its request", async () => {
  const { ended } = await stateOf(() => true);
  const stream = await open(1_000_000, "busily");
  expect(await stream.next()).toBe('data: {"count":1}');
  stream.close();
  await expectEnded(stream.requestId, ended);
});

test("a client that resets its connection between two parts ends the work, its permit and its request", async () => {
  const { ended } = await stateOf(() => true);
  const value = { inputs: 2, parameters: { mode: "stepwise" } };
  const headers = { "x-request-id": "between-two-parts" };
  const socket = await beginPost(service.origin, PATH, value, headers);
  await stateOf(({ waiting }) => waiting === 1);
  await step();
  await once(socket, "data");
  await stateOf(({ waiting }) => waiting === 1);
  socket.resetAndDestroy();
  await expectEnded("between-two-parts", ended);
});

test("other requests complete while a stream computes", async () => {
  const stream = await open(1_000_000, "busily");
  expect(await stream.next()).toBe('data: {"count":1}');
  for (let request = 0; request < 20; request++)
    expect((await service.request("/v2/models/iris-logistic")).status).toBe(200);
  const { ended } = await stateOf(() => true);
  stream.close();
  await stateOf((state) => state.ended === ended + 1);
  await service.event(stream.requestId);
});

test("a stream that fails ends with an error event", async () => {
  const stream = await open(1, "failing");
  expect(await stream.next()).toBe('data: {"count":1}');
  const [name, data = ""] = (await stream.next())?.split("\n") ?? [];
  expect(name).toBe("event: error");
  expect(JSON.parse(data.replace("data: ", ""))).toMatchObject({
    status: 400,
    code: "inference_failed",
    detail: "The count has failed.",
    request_id: stream.requestId,
  });
  expect(await stream.next()).toBeUndefined();
  expect(await service.event(stream.requestId)).toMatchObject({ errorCode: "inference_failed" });
});

test("a stream past its deadline ends with an error event", async () => {
  // A stream that ended may have left one.
  await service.request("/step", { method: "DELETE" });
  const stream = await open(1, "stepwise", { "x-timeout-ms": "50" });
  const event = await stream.next();
  expect(event).toContain("event: error");
  expect(event).toContain('"code":"deadline_exceeded"');
  expect(await stream.next()).toBeUndefined();
  await service.event(stream.requestId);
});
