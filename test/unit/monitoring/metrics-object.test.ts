import { expect, test } from "vitest";
import { toRule } from "../../../src/domain/alerts/kinds/registry.ts";
import type { TelemetryEvent } from "../../../src/domain/event.ts";
import { NO_ENVIRONMENT } from "../../../src/monitoring/environment.ts";
import { createMetricsObject } from "../../../src/monitoring/metrics-object.ts";
import { windowOf } from "../../support/alerts.ts";
import { poll } from "../../support/poll.ts";
import { createTestStorage } from "../../support/sql.ts";

const MINUTE = 60_000;

test("an alert that fires is in the live tail of its shard, as it was written", async () => {
  const storage = createTestStorage();
  const written: TelemetryEvent[] = [];
  const failing = windowOf({ requests: 100, outcomes: { "500 internal": 100 } });
  const works: Promise<unknown>[] = [];
  const object = createMetricsObject(
    storage,
    () => undefined,
    {
      ...NO_ENVIRONMENT,
      shard: () => ({ windows: async () => [{ ...failing, start: storage.now() }] }),
      emit(event) {
        const scrubbed = { ...event, rule: "[secret]" } as TelemetryEvent;
        written.push(scrubbed);
        return scrubbed;
      },
      evaluateEveryMs: MINUTE,
    },
    (work) => void works.push(work),
  );
  await object.putAlertRules(
    [toRule({ name: "errors", kind: "error_ratio", forSeconds: 60 })],
    undefined,
  );
  for (let minute = 0; minute < 3; minute++) {
    const added = object.add({
      source: "isolate",
      number: minute + 1,
      windows: [],
      events: [],
      missed: 0,
      models: ["iris"],
      policy: { minutesForMs: 60 * MINUTE, hoursForMs: 600 * MINUTE, commitMs: 1000 },
    });
    await poll("alarm that stores the batch", async () => object.dueAt());
    storage.advance(MINUTE);
    await object.work();
    await Promise.all([added, ...works]);
  }
  expect(written).toEqual([expect.objectContaining({ event: "alert", state: "firing" })]);
  expect((await object.events()).events).toEqual(written);
});
