import { InvalidArgumentError } from "commander";
import { describe, expect, test } from "vitest";
import {
  parseStatusArgument,
  toPredicate,
} from "../../../../packages/cli/src/logs/event-filter.ts";
import { eventsOf, jsonDocuments } from "../../../../packages/cli/src/logs/tail-worker.ts";

const EVENT = {
  event: "request",
  model: "digits",
  version: "2",
  operation: "predict",
  status: 404,
  errorCode: "model_not_found",
};

describe("a filter of events", () => {
  test.each([
    [{}, true],
    [{ model: "digits", version: "2" }, true],
    [{ model: "iris" }, false],
    [{ version: "1" }, false],
    [{ status: ["404"] }, true],
    [{ status: ["5xx", "4xx"] }, true],
    [{ status: ["5xx", "405"] }, false],
    [{ operation: "infer" }, false],
    [{ code: "model_not_found", event: "request" }, true],
    [{ event: "shadow" }, false],
  ])("%j passes an event of a 404: %s", (filter, passes) => {
    expect(toPredicate(filter)(EVENT)).toBe(passes);
  });

  test.each(["", "4", "600", "4x", "200-300"])("the status %j is refused", (text) => {
    expect(() => parseStatusArgument(text)).toThrow(InvalidArgumentError);
  });
});

describe("the output of wrangler tail", () => {
  async function* lines(text: string): AsyncGenerator<string> {
    yield* text.split("\n");
  }

  async function read(text: string): Promise<unknown[]> {
    const documents: unknown[] = [];
    for await (const document of jsonDocuments(lines(text))) documents.push(document);
    return documents;
  }

  test("is read whether a document has one line or several", async () => {
    const first = { logs: [], eventTimestamp: 1 };
    const second = { logs: [{ message: ["}"] }], nested: { a: [1, 2] } };
    const text = `${JSON.stringify(first)}\n${JSON.stringify(second, null, 4)}\n${JSON.stringify(first)}`;
    expect(await read(text)).toEqual([first, second, first]);
  });

  test("is read beyond remarks between documents", async () => {
    expect(await read('Connected to worker\n{"a": 1}\nwarning\n{"a": 2}')).toEqual([
      { a: 1 },
      { a: 2 },
    ]);
  });

  test("has the events that the Worker logged, and nothing else", () => {
    const message = {
      logs: [
        { message: [JSON.stringify(EVENT)], level: "log" },
        { message: ["something else"], level: "log" },
        { message: ['{"event":broken'], level: "log" },
      ],
    };
    expect(eventsOf(message)).toEqual([EVENT]);
    expect(eventsOf({})).toEqual([]);
  });
});
