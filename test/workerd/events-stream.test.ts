import { beforeAll, describe, expect, test } from "vitest";
import type { RequestEvent, TelemetryEvent } from "../../src/domain/event.ts";
import { ADMIN_KEY, type AdministeredService } from "../support/administration.ts";
import { findModel, publishAs } from "../support/publish.ts";
import { routeWithShadow } from "../support/shadows.ts";
import { shareServices } from "../support/shared-services.ts";

/** `GET /admin/events` over real connections: the last events, those that follow, and readers that leave or are slow. */

const MAX_FOLLOWERS = 16;
const CAPACITY = 256;
/** Far more than a test reads. */
const MAX_READS = 5000;

const start = shareServices();
let service: AdministeredService;

beforeAll(async () => {
  service = await start({}, ["iris-logistic"]);
});

interface Reader {
  readonly response: Response;
  /** The next event; `undefined` at the end of the stream. */
  next(): Promise<TelemetryEvent | undefined>;
  /** The next event for which it is true. */
  find(matches: (event: TelemetryEvent) => boolean): Promise<TelemetryEvent>;
  /** Closes the connection, and waits until that is noticed. */
  close(): Promise<RequestEvent>;
}

let readers = 0;

async function read(query: string): Promise<Reader> {
  const controller = new AbortController();
  const id = `reader-${++readers}`;
  const response = await fetch(`${service.origin}/admin/events${query}`, {
    headers: { authorization: `Bearer ${ADMIN_KEY}`, "x-request-id": id },
    signal: controller.signal,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let hasEnded = false;
  const next: Reader["next"] = async () => {
    for (let reads = 0; reads < MAX_READS; reads++) {
      const end = text.indexOf("\n\n");
      if (end >= 0) {
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        if (block.startsWith("data: ")) return JSON.parse(block.slice("data: ".length));
        expect(block).toMatch(/^:/);
        continue;
      }
      if (hasEnded) return undefined;
      const { done, value = "" } = (await reader?.read()) ?? { done: true };
      hasEnded = done;
      text += value;
    }
    throw new Error(`no event after ${MAX_READS} reads`);
  };
  return {
    response,
    next,
    async find(matches) {
      for (let reads = 0; reads < MAX_READS; reads++) {
        const event = await next();
        if (!event) throw new Error("the stream has ended");
        if (matches(event)) return event;
      }
      throw new Error(`no such event among ${MAX_READS}`);
    },
    close() {
      controller.abort();
      return service.event(id);
    },
  };
}

async function readAll(query = ""): Promise<TelemetryEvent[]> {
  const reader = await read(query);
  const events: TelemetryEvent[] = [];
  for (let count = 0; count <= CAPACITY; count++) {
    const event = await reader.next();
    if (!event) return events;
    events.push(event);
  }
  throw new Error(`more than ${CAPACITY} events`);
}

const predict = (id: string, inputs: unknown = [5.1, 3.5, 1.4, 0.2], model = "iris-logistic") =>
  service.post(`/models/${model}`, { inputs }, { "x-request-id": id });

const isOf =
  (id: string) =>
  (event: TelemetryEvent): boolean =>
    "requestId" in event && event.requestId === id;

describe("the last events", () => {
  test("are those of the console, oldest first, and the stream ends after them", async () => {
    for (const id of ["last-1", "last-2", "last-3"]) await predict(id);
    const events = await readAll("?model=iris-logistic&event=request");
    const ids = events.map((event) => (event.event === "request" ? event.requestId : ""));
    expect(ids.slice(-3)).toEqual(["last-1", "last-2", "last-3"]);
    for (const event of events.slice(-3))
      if (event.event === "request") expect(event).toEqual(await service.event(event.requestId));
  });

  test("are selected by their properties", async () => {
    await predict("selected-200");
    await predict("selected-400", ["x"]);
    await predict("selected-404", [1], "unknown");
    await service.administer("/cache/purge", { method: "POST", body: '{"model":"iris-logistic"}' });
    const ids = async (query: string): Promise<(string | undefined)[]> =>
      (await readAll(query))
        .map((event) => ("requestId" in event ? event.requestId : undefined))
        .filter((id) => id?.startsWith("selected"));
    expect(await ids("?status=4xx")).toEqual(["selected-400", "selected-404"]);
    expect(await ids("?status=404")).toEqual(["selected-404"]);
    expect(await ids("?code=model_not_found")).toEqual(["selected-404"]);
    expect(await ids("?operation=predict&status=2xx")).toEqual(["selected-200"]);
    expect(await ids("?operation=infer")).toEqual([]);
    expect(await ids("?model=iris-logistic")).toEqual(["selected-200", "selected-400"]);
    expect((await readAll("?event=purge")).at(-1)).toMatchObject({
      event: "purge",
      model: "iris-logistic",
    });
    // A notice has no status.
    expect((await readAll("?status=5xx")).map(({ event }) => event)).not.toContain("notice");
  });

  test("are as many as are kept", async () => {
    for (let batch = 0; batch < 10; batch++)
      await Promise.all(Array.from({ length: 30 }, (_, at) => predict(`many-${batch}-${at}`)));
    expect(await readAll()).toHaveLength(CAPACITY);
  });

  test.each([
    ["?status=9xx", "status"],
    ["?code=teapot", "code"],
    ["?event=nothing", "event"],
    ["?follow=maybe", "follow"],
    ["?modle=iris", "modle"],
  ])("of %s are refused, with the parameter that is wrong", async (query, field) => {
    const { status, body } = await service.administer(`/events${query}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: "invalid_request", details: { field } });
  });

  test("need the admin key", async () => {
    const { status, body } = await service.request("/admin/events");
    expect([status, body]).toEqual([401, expect.objectContaining({ code: "unauthorized" })]);
  });
});

describe("a reader that follows", () => {
  test("gets each new event when its request has ended, those of other protocols and of shadows too", async () => {
    const reader = await read("?follow=true");
    expect(reader.response.headers.get("content-type")).toBe("text/event-stream");
    await predict("followed-1");
    expect(await reader.find(isOf("followed-1"))).toMatchObject({ event: "request", status: 200 });
    await service.request("/v2/health/live", { headers: { "x-request-id": "followed-2" } });
    expect(await reader.find(isOf("followed-2"))).toMatchObject({ operationKind: "health" });
    const name = "followed";
    for (const version of ["1", "2"])
      await publishAs(service.bucket, findModel("iris-logistic"), { name, version });
    await routeWithShadow(service.bucket, name);
    await predict("followed-3", undefined, name);
    expect(
      await reader.find((event) => event.event === "shadow" && isOf("followed-3")(event)),
    ).toMatchObject({ model: name, outcome: "same", distance: 0 });
    await reader.close();
  });

  test("gets those that it selects, and no others", async () => {
    const reader = await read("?follow=true&model=iris-logistic&status=4xx&operation=predict");
    await predict("unselected-200");
    await predict("selected-first", ["x"]);
    await predict("unselected-404", [1], "unknown");
    await predict("selected-second", ["x"]);
    await reader.find(isOf("selected-first"));
    expect(await reader.next()).toMatchObject({ requestId: "selected-second" });
    await reader.close();
  });

  test("that leaves ends its request, and makes room for another one", async () => {
    const all = await Promise.all(
      Array.from({ length: MAX_FOLLOWERS }, () => read("?follow=true&event=purge")),
    );
    const refused = await service.administer("/events?follow=true");
    expect([refused.status, refused.body]).toEqual([
      429,
      expect.objectContaining({ code: "overloaded" }),
    ]);
    expect(refused.headers.get("retry-after")).toBe("10");
    // Those that do not follow are not limited.
    await readAll("?event=purge");
    for (const event of await Promise.all(all.map((reader) => reader.close())))
      expect(event).toMatchObject({
        operation: "streamEvents",
        operationKind: "admin",
        status: 200,
        errorCode: "client_closed_request",
      });
    const reader = await read("?follow=true");
    expect(reader.response.status).toBe(200);
    await reader.close();
  });

  test("gets comments while nothing happens, so that a lost connection is noticed", async () => {
    const response = await fetch(
      `${service.origin}/admin/events?follow=true&event=purge&model=none`,
      {
        headers: { authorization: `Bearer ${ADMIN_KEY}` },
      },
    );
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const { value } = (await reader?.read()) ?? {};
    expect(value).toMatch(/^: keep-alive\n\n/);
    await reader?.cancel();
  }, 30_000);
});

test("events are kept and streamed also where the console has none", async () => {
  const quiet = await start({ EVENT_LOG: "off" }, ["iris-logistic"]);
  await quiet.post("/models/iris-logistic", { inputs: [1, 2, 3, 4] }, { "x-request-id": "quiet" });
  const { body } = await quiet.administer("/events?model=iris-logistic");
  expect(body).toContain('"requestId":"quiet"');
  expect(quiet.logs.filter(({ message }) => message.includes('"quiet"'))).toEqual([]);
});
