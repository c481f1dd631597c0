import { expect, test } from "vitest";
import { compareAnomalies } from "../../../../src/domain/answer-comparison/anomalies.ts";

const item = (score: number) => ({ label: score < 0 ? "anomaly" : "normal", score });

test("anomalies are the same by their labels, alone and in lists", () => {
  const near = { same: true, measure: "score_difference", distance: 0.25 };
  expect(compareAnomalies(item(0.5), item(0.25), {})).toEqual(near);
  expect(compareAnomalies([item(0.5), item(1)], [item(0.25), item(-1)], {})).toEqual({
    same: false,
    measure: "score_difference",
    distance: 2,
    detail: { items: 2, differing: 1 },
  });
  expect(compareAnomalies([item(1)], [], {})).toMatchObject({ same: false, measure: "structure" });
});
