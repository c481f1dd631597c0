import { describe, expect, test } from "vitest";
import { createAlertClock, type TestReadings, windowOf } from "../../../support/alerts.ts";

const RULE = {
  name: "errors",
  kind: "error_ratio",
  threshold: 0.1,
  clearThreshold: 0.05,
  minimumRequests: 10,
  forSeconds: 120,
  clearSeconds: 180,
  noDataSeconds: 600,
};

/** One version, of whose 100 requests so many percent failed. */
function failing(percent: number, requests = 100): TestReadings {
  const failed = (requests * percent) / 100;
  const outcomes = { 200: requests - failed, "500 internal": failed };
  return { recent: [windowOf({ requests, outcomes })] };
}

function states(clock: ReturnType<typeof createAlertClock>): string[] {
  return clock.alerts().map(({ state }) => state);
}

describe("an alert", () => {
  test("is pending beyond the threshold, and fires when it was so for long enough", () => {
    const clock = createAlertClock([RULE]);
    clock.evaluate(0, failing(0));
    expect(states(clock)).toEqual([]);
    clock.evaluate(60, failing(10));
    expect(states(clock)).toEqual([]);
    clock.evaluate(120, failing(11));
    expect(states(clock)).toEqual(["pending"]);
    clock.evaluate(180, failing(11));
    expect(states(clock)).toEqual(["pending"]);
    const [alert] = clock.evaluate(240, failing(20));
    expect(alert).toMatchObject({
      state: "firing",
      pendingAt: 120_000,
      firedAt: 240_000,
      value: 0.2,
      model: "iris",
      version: "1",
      severity: "critical",
      summary:
        "iris version 1: 20 % of 100 requests failed in 5 minutes, most of them with 500 internal",
    });
    expect(clock.steps.map(({ at, transition }) => [at, transition])).toEqual([[240, "firing"]]);
  });

  test("that is pending is forgotten when the value comes back, and begins anew after that", () => {
    const clock = createAlertClock([RULE]);
    clock.evaluate(0, failing(50));
    clock.evaluate(60, failing(50));
    clock.evaluate(119, failing(9));
    expect(states(clock)).toEqual([]);
    clock.evaluate(120, failing(50));
    clock.evaluate(180, failing(50));
    expect(states(clock)).toEqual(["pending"]);
    expect(clock.steps).toEqual([]);
  });

  test("that is firing is resolved after the value was clear for long enough", () => {
    const clock = createAlertClock([RULE]);
    for (const at of [0, 60, 120]) clock.evaluate(at, failing(50));
    clock.evaluate(180, failing(0));
    clock.evaluate(300, failing(0));
    expect(states(clock)).toEqual(["firing"]);
    const [alert] = clock.evaluate(360, failing(0));
    expect(alert).toMatchObject({ state: "resolved", resolution: "clear", resolvedAt: 360_000 });
    expect(clock.steps.map(({ at, transition }) => [at, transition])).toEqual([
      [120, "firing"],
      [360, "resolved"],
    ]);
  });

  test("stays firing while the value is between the thresholds, or flaps around either of them", () => {
    const clock = createAlertClock([RULE]);
    for (const at of [0, 60, 120]) clock.evaluate(at, failing(50));
    for (let at = 180; at < 3600; at += 60) clock.evaluate(at, failing(at % 120 === 0 ? 4 : 6));
    for (let at = 3600; at < 7200; at += 60) clock.evaluate(at, failing(at % 120 === 0 ? 9 : 30));
    for (let at = 7200; at < 9000; at += 60) clock.evaluate(at, failing(7));
    expect(states(clock)).toEqual(["firing"]);
    expect(clock.steps).toHaveLength(1);
  });

  test("that flaps around the threshold faster than its duration never fires", () => {
    const clock = createAlertClock([RULE]);
    for (let at = 0; at < 7200; at += 60) clock.evaluate(at, failing(at % 120 === 0 ? 50 : 8));
    expect(clock.steps).toEqual([]);
  });

  test("fires again after it was resolved", () => {
    const clock = createAlertClock([RULE]);
    const values = [50, 50, 50, 0, 0, 0, 0, 50, 50, 50];
    for (const [index, value] of values.entries()) clock.evaluate(index * 60, failing(value));
    expect(clock.steps.map(({ at, transition }) => [at, transition])).toEqual([
      [120, "firing"],
      [360, "resolved"],
      [540, "firing"],
    ]);
  });

  test("that was resolved and is pending again for a moment stays resolved since then", () => {
    const clock = createAlertClock([RULE]);
    const values = [50, 50, 50, 0, 0, 0, 0, 50, 0];
    for (const [index, value] of values.entries()) clock.evaluate(index * 60, failing(value));
    expect(clock.alerts()[0]).toMatchObject({ state: "resolved", since: 360_000 });
    expect(clock.steps).toHaveLength(2);
  });
});

describe("missing data", () => {
  test("neither begins nor resolves an alert, before it has lasted", () => {
    const clock = createAlertClock([RULE]);
    for (const at of [0, 60, 120]) clock.evaluate(at, failing(50));
    clock.evaluate(180, { recent: [] });
    clock.evaluate(660, failing(100, 9));
    expect(states(clock)).toEqual(["firing"]);
    const [alert] = clock.evaluate(720, { recent: [] });
    expect(alert).toMatchObject({ state: "resolved", resolution: "no_data", value: 0.5 });
  });

  test("ends a pending alert, which nothing confirms", () => {
    const clock = createAlertClock([RULE]);
    clock.evaluate(0, failing(50));
    clock.evaluate(60, { recent: [] });
    clock.evaluate(120, failing(50));
    expect(states(clock)).toEqual(["pending"]);
  });

  test("interrupts the time in which a value is clear", () => {
    const clock = createAlertClock([RULE]);
    for (const at of [0, 60, 120]) clock.evaluate(at, failing(50));
    clock.evaluate(180, failing(0));
    clock.evaluate(240, { recent: [] });
    clock.evaluate(360, failing(0));
    expect(states(clock)).toEqual(["firing"]);
  });
});

describe("after a pause of evaluations, as a restart makes one", () => {
  test("a short one changes nothing", () => {
    const clock = createAlertClock([RULE]);
    clock.evaluate(0, failing(50));
    clock.evaluate(299, failing(50));
    expect(clock.steps).toEqual([expect.objectContaining({ at: 299, transition: "firing" })]);
  });

  test("a long one has a pending alert begin anew, because nobody knows what was in between", () => {
    const clock = createAlertClock([RULE]);
    clock.evaluate(0, failing(50));
    clock.evaluate(3600, failing(50));
    expect(states(clock)).toEqual(["pending"]);
    clock.evaluate(3720, failing(50));
    expect(states(clock)).toEqual(["firing"]);
  });

  test("a long one has the time in which a value is clear begin anew", () => {
    const clock = createAlertClock([RULE]);
    for (const at of [0, 60, 120]) clock.evaluate(at, failing(50));
    clock.evaluate(180, failing(0));
    clock.evaluate(3600, failing(0));
    expect(states(clock)).toEqual(["firing"]);
    clock.evaluate(3780, failing(0));
    expect(states(clock)).toEqual(["resolved"]);
  });
});

describe("a change of the rules", () => {
  test.each([
    ["removed", []],
    ["disabled", [{ ...RULE, enabled: false }]],
    ["about other models", [{ ...RULE, models: ["digits*"] }]],
    ["about other versions", [{ ...RULE, versions: ["2"] }]],
    ["about models as a whole", [{ ...RULE, by: "model" }]],
  ])("resolves the alert of a rule that is %s", (_, rules) => {
    const clock = createAlertClock([RULE]);
    for (const at of [0, 60, 120]) clock.evaluate(at, failing(50));
    clock.setRules(rules);
    const all = clock.evaluate(180, failing(50));
    expect(all.find(({ version }) => version === "1")).toMatchObject({
      state: "resolved",
      resolution: "rule_removed",
    });
    // And says so once.
    clock.evaluate(240, failing(50));
    expect(clock.steps.filter(({ transition }) => transition === "resolved")).toHaveLength(1);
  });

  test("of a threshold is used for the alert that is firing", () => {
    const clock = createAlertClock([RULE]);
    for (const at of [0, 60, 120]) clock.evaluate(at, failing(50));
    clock.setRules([{ ...RULE, threshold: 0.9, clearThreshold: 0.8 }]);
    for (const at of [180, 360]) clock.evaluate(at, failing(50));
    expect(states(clock)).toEqual(["resolved"]);
  });
});
