import { describe, expect, test } from "vitest";
import { nearestMethod } from "../../../../src/explain/methods/nearest-method.ts";
import { explain } from "../../../support/explained-tables.ts";
import { explainedVersion, explanationRequest } from "../../../support/explained-version.ts";
import { findModel } from "../../../support/publish.ts";

interface Nearest {
  readonly output_names: readonly string[];
  readonly runs: number;
  readonly neighbors: readonly {
    readonly index: number;
    readonly distance: number;
    readonly data: readonly unknown[];
    readonly output_name: string;
    readonly output: number;
  }[];
}

const penguin = (island: string, bill: number | null, mass: number, sex = "male") => [
  island,
  bill,
  18,
  200,
  mass,
  sex,
];
const BACKGROUND = [
  penguin("Biscoe", 50, 5500),
  penguin("Dream", 40, 3500),
  penguin("Dream", 41, 3500, "female"),
  penguin("Torgersen", null, 3700),
  penguin("Dream", 40, 4500),
];

async function nearest(count?: number, changes = {}): Promise<Nearest> {
  const version = await explainedVersion(findModel("penguins-gradient-boosting"), {
    background: BACKGROUND,
  });
  const row = penguin("Dream", 40, 3600);
  return explain<Nearest>(nearestMethod, version, row, { parameters: { count }, ...changes });
}

describe("nearest examples", () => {
  test("are those of the least distance by Gower, with what the model predicts of them", async () => {
    const { neighbors, runs } = await nearest(3);
    expect(runs).toBe(4);
    // Ranges: bill 40 to 50, mass 3500 to 5500; six columns.
    expect(neighbors.map(({ index, distance }) => [index, distance])).toEqual([
      [1, expect.closeTo(100 / 2000 / 6, 12)],
      [4, expect.closeTo(900 / 2000 / 6, 12)],
      [2, expect.closeTo((0.1 + 0.05 + 1) / 6, 12)],
    ]);
    expect(neighbors[0]).toMatchObject({ data: BACKGROUND[1], output_name: "Adelie" });
    expect(neighbors[0]?.output).toBeGreaterThan(0.5);
  });

  test("are all of a small background, where more are asked for", async () => {
    const { neighbors } = await nearest(50);
    expect(neighbors.map(({ index }) => index)).toEqual([1, 4, 2, 3, 0]);
    // Another island and a bill that is missing.
    expect(neighbors[3]?.distance).toBeCloseTo((1 + 1 + 0.05) / 6, 12);
  });

  test("are looked for among all background rows, so that background_rows is refused", async () => {
    await expect(nearest(2, { backgroundRows: 2 })).rejects.toThrow(
      '"parameters.background_rows" has no effect: the method nearest looks at all background rows. Leave it out.',
    );
  });

  test("tell the output that is asked for", async () => {
    const { neighbors, output_names } = await nearest(2, { output: "Gentoo" });
    expect(output_names).toEqual(["Gentoo"]);
    for (const { output_name, output } of neighbors) {
      expect(output_name).toBe("Gentoo");
      expect(output).toBeLessThan(0.5);
    }
  });

  test("need a background, and runs for each", async () => {
    const version = await explainedVersion(findModel("penguins-gradient-boosting"));
    const request = explanationRequest(version, BACKGROUND[0], { count: 3 });
    await expect(nearestMethod.plan(request)).rejects.toMatchObject({ code: "background_missing" });
    await expect(
      nearestMethod.plan({ ...request, background: BACKGROUND, maxRuns: 3 }),
    ).rejects.toMatchObject({
      details: { needed: 4, limit: 3 },
    });
  });
});
