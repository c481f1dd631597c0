import { expect, test } from "vitest";
import type { RequestEvent } from "../../../../src/domain/event.ts";
import { createAggregate } from "../../../../src/domain/monitoring/aggregate.ts";
import { mergeAggregate, sumOf } from "../../../../src/domain/monitoring/merge-aggregate.ts";
import { placeOf } from "../../../../src/telemetry/aggregation/fold-event.ts";
import { foldRequest } from "../../../../src/telemetry/aggregation/fold-request.ts";
import { createStatisticsSink } from "../../../../src/telemetry/inference-statistics.ts";
import { requestEvent } from "../../../support/events.ts";

const explanation = (changes: Partial<RequestEvent> = {}): RequestEvent =>
  requestEvent({
    model: "iris",
    version: "1",
    operation: "explain",
    operationKind: "explanation",
    executions: 12,
    totalMs: 250,
    queueMs: 3,
    phasesMs: { infer: 200 },
    explanation: { method: "kernel", exact: false, space: "probability", runs: 1200 },
    ...changes,
  });

test("an explanation is counted by its method and its runs, and as no prediction", () => {
  const aggregate = createAggregate();
  foldRequest(aggregate, explanation(), 0);
  foldRequest(aggregate, explanation({ status: 400, errorCode: "invalid_request" }), 0);
  expect(aggregate).toMatchObject({
    requests: 2,
    outcomes: { 200: 1, "400 invalid_request": 1 },
    operations: { explain: 2 },
    explanations: { kernel: 1 },
    explanationRuns: 2400,
    inferences: 0,
    executions: 0,
    inference: { success: 0, failures: {} },
    durations: { explanation: { count: 2, sum: 500 } },
  });
  expect(Object.keys(aggregate.durations)).toEqual(["explanation"]);
  expect(placeOf(explanation(), () => true)).toMatchObject({ model: "iris", version: "1" });
  const sink = createStatisticsSink();
  sink.emit(explanation());
  expect(sink.of("iris", "1")).toMatchObject({ executions: 0, success: { count: 0 } });
});

test("counts of explanations are merged, also with those of a program that had none", () => {
  const one = createAggregate();
  foldRequest(one, explanation(), 0);
  expect(sumOf([one, one])).toMatchObject({ explanations: { kernel: 2 }, explanationRuns: 2400 });
  const { explanations: _, explanationRuns: __, ...older } = createAggregate();
  mergeAggregate(one, older as typeof one);
  expect(one).toMatchObject({ explanations: { kernel: 1 }, explanationRuns: 1200 });
});
