import { describe, expect, test } from "vitest";
import { createConsoleSink } from "../../../../src/telemetry/sinks/console-sink.ts";
import { PREDICTION, PURGE, testEventSink, UNMATCHED } from "../../../contracts/event-sink.ts";

function create() {
  const lines: string[] = [];
  return { sink: createConsoleSink((line) => void lines.push(line)), recorded: () => lines };
}

describe("the sink of the console", () => {
  testEventSink(create);

  test("writes one line of JSON for each event, in their order", () => {
    const { sink, recorded } = create();
    for (const event of [PREDICTION, PURGE, UNMATCHED]) sink.emit(event);
    expect(recorded().map((line) => JSON.parse(line))).toEqual([PREDICTION, PURGE, UNMATCHED]);
    for (const line of recorded()) expect(line).not.toMatch(/[\r\n]/);
  });

  test("leaves out what is not known", () => {
    const { sink, recorded } = create();
    sink.emit({ ...UNMATCHED, model: undefined });
    expect(recorded()[0]).not.toContain("model");
  });
});
