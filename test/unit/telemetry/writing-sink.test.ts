import { describe, expect, test } from "vitest";
import type { InputStatistics, TelemetryEvent } from "../../../src/domain/event.ts";
import { createSampler } from "../../../src/telemetry/sampling.ts";
import { createWritingSink } from "../../../src/telemetry/writing-sink.ts";
import { HIT, PREDICTION, PURGE, testEventSink } from "../../contracts/event-sink.ts";

function create(rate = 1) {
  const events: TelemetryEvent[] = [];
  const sampler = createSampler({ rate, rateByModel: new Map(), slowMs: 1000 });
  const sink = createWritingSink({ emit: (event) => void events.push(event) }, sampler);
  return { sink, recorded: () => events };
}

const WIDTH = {
  name: "width",
  kind: "numeric",
  count: 5,
  missing: 1,
  mean: 3,
  deviation: 1.5,
  min: 1,
  max: 5,
  histogram: [2, 3],
} as const satisfies InputStatistics;

function written(statistics: InputStatistics): InputStatistics | undefined {
  const { sink, recorded } = create();
  sink.emit({ ...PREDICTION, inputs: [statistics] });
  const [event] = recorded();
  return event?.event === "request" ? event.inputs?.[0] : undefined;
}

describe("the sink of what is written", () => {
  testEventSink(create);

  test("says of each request why it is written", () => {
    const { sink, recorded } = create();
    sink.emit(PREDICTION);
    sink.emit(HIT);
    expect(recorded()).toEqual([
      { ...PREDICTION, sampling: { rate: 1, reason: "cold_start" } },
      { ...HIT, sampling: { rate: 1, reason: "rate" } },
    ]);
  });

  test("leaves out requests by their rate, and no other event", () => {
    const { sink, recorded } = create(0);
    sink.emit(HIT);
    sink.emit(PURGE);
    expect(recorded()).toEqual([PURGE]);
  });

  test("writes the mean of five values that differ, and never their extremes", () => {
    const { min: _, max: __, ...rest } = WIDTH;
    expect(written(WIDTH)).toEqual(rest);
  });

  test.each([
    ["four values", { ...WIDTH, count: 4 }],
    ["values that are all the same", { ...WIDTH, min: 3, max: 3, mean: 3, deviation: 0 }],
  ])("writes neither mean nor histogram of %s, which could tell one of them", (_, statistics) => {
    const { name, kind, count, missing } = statistics;
    expect(written(statistics)).toEqual({ name, kind, count, missing });
  });

  test("writes the counts of five categories that differ, and not those of four", () => {
    const statistics = { name: "colour", kind: "category", missing: 0 } as const;
    const five = { ...statistics, count: 5, counts: [3, 2, 0] };
    expect(written(five)).toEqual(five);
    expect(written({ ...statistics, count: 4, counts: [2, 2, 0] })).toEqual({
      ...statistics,
      count: 4,
    });
    expect(written({ ...statistics, count: 5, counts: [0, 5, 0] })).toEqual({
      ...statistics,
      count: 5,
    });
  });
});
