import { toSpread } from "../statistics.ts";
import type { Table } from "../table.ts";
import type { BoundaryResults } from "./boundary.ts";
import { FIRST_MODELS, type FirstResponse, type FirstResponses } from "./first-response.ts";
import { MANY_MODELS_VARIANTS, type ManyModels, type ManyModelsResults } from "./many-models.ts";
import { type Neighbours, PROBE_NAMES } from "./neighbours.ts";
import type { Timings, Workload } from "./paired-load.ts";
import type { ByPlacement, Placement } from "./placed-worker.ts";
import { tokensOf } from "./workloads.ts";

/** Ratios are computed within a round, which cancels a machine that slows down between rounds; 1.1 is 10 % slower than cells. */
const RATIO_COLUMNS = ["own / cells", "(min - max)"];

export function toBoundaryTable(
  title: string,
  workloads: readonly Workload[],
  clients: number,
  results: BoundaryResults,
): Table {
  return {
    title,
    columns: [
      "one request at a time",
      "own: p50 ms",
      "cells: p50 ms",
      ...RATIO_COLUMNS,
      "own: p99 ms",
      "cells: p99 ms",
      `${clients} at a time, own: requests/s`,
      "cells: requests/s",
      `time, ${RATIO_COLUMNS[0]}`,
      "(min - max)",
    ],
    rows: workloads.map(({ name }) => {
      const rounds = results[name] ?? [];
      const p50 = (timings: Timings): number => quantile(timings.latenciesMs, 0.5);
      return [
        name,
        medianOf(rounds, "own", p50).toFixed(2),
        medianOf(rounds, "shared", p50).toFixed(2),
        ...toRatio(rounds, p50),
        pooled(rounds, "own", 0.99).toFixed(2),
        pooled(rounds, "shared", 0.99).toFixed(2),
        medianOf(rounds, "own", perSecond).toFixed(0),
        medianOf(rounds, "shared", perSecond).toFixed(0),
        ...toRatio(rounds, (timings) => 1 / timings.perSecond),
      ];
    }),
  };
}

export function toGenerationTable(
  workloads: readonly Workload[],
  clients: number,
  results: BoundaryResults,
): Table {
  return {
    title: "Generation: a run and a streamed part for each token",
    columns: [
      "one stream at a time",
      "own: first part ms",
      "cells: first part ms",
      ...RATIO_COLUMNS,
      "own: tokens/s",
      "cells: tokens/s",
      `time, ${RATIO_COLUMNS[0]}`,
      "(min - max)",
      `${clients} at a time, own: tokens/s`,
      "cells: tokens/s",
      `time, ${RATIO_COLUMNS[0]}`,
      "(min - max)",
    ],
    rows: workloads.map((workload) => {
      const rounds = results[workload.name] ?? [];
      const tokens = tokensOf(workload);
      const first = (timings: Timings): number => quantile(timings.firstBytesMs, 0.5);
      const tokenMs = (timings: Timings): number => quantile(timings.latenciesMs, 0.5) / tokens;
      const rate = (placement: Placement): string =>
        medianOf(rounds, placement, (timings) => 1000 / tokenMs(timings)).toFixed(0);
      const busyRate = (placement: Placement): string =>
        medianOf(rounds, placement, (timings) => timings.perSecond * tokens).toFixed(0);
      return [
        workload.name,
        medianOf(rounds, "own", first).toFixed(2),
        medianOf(rounds, "shared", first).toFixed(2),
        ...toRatio(rounds, first),
        rate("own"),
        rate("shared"),
        ...toRatio(rounds, tokenMs),
        busyRate("own"),
        busyRate("shared"),
        ...toRatio(rounds, (timings) => 1 / timings.perSecond),
      ];
    }),
  };
}

export function toFirstResponseTable(results: FirstResponses): Table {
  return {
    title: "First response, ms",
    columns: ["", "own", "(min - max)", "cells", "(min - max)", ...RATIO_COLUMNS],
    rows: FIRST_MODELS.flatMap((model) =>
      (["coldMs", "warmMs"] as const).map((which) => {
        const rounds = results[model] ?? [];
        const of = (first: FirstResponse): number => first[which];
        return [
          `${model}, ${which === "coldMs" ? "fresh process" : "process with another model"}`,
          ...toCells(
            rounds.map(({ own }) => of(own)),
            0,
          ),
          ...toCells(
            rounds.map(({ shared }) => of(shared)),
            0,
          ),
          ...toRatio(rounds, of),
        ];
      }),
    ),
  };
}

export function toManyModelsTables(results: ManyModelsResults): Table[] {
  const row = (of: (many: ManyModels) => number, digits: number) => (name: string) =>
    toCells((results[name] ?? []).map(of), digits);
  const names = MANY_MODELS_VARIANTS.map(({ name }) => name);
  const models = 10;
  const none = row((many) => many.residentBytes.none / 1e6, 0);
  const all = row((many) => many.residentBytes.all / 1e6, 0);
  const each = row(
    ({ residentBytes: { none: before, all: after } }) => (after - before) / models / 1e6,
    1,
  );
  const perSecond = row((many) => many.perSecond, 1);
  const perRequest = (of: "loads" | "evictions") => row((many) => many[of] / many.requests, 2);
  return [
    {
      title: `Resident memory of workerd with ${models} models of 24 MB`,
      columns: [
        "",
        "before, MB",
        "all asked once, MB",
        "(min - max)",
        "loaded",
        "MB a model",
        "(min - max)",
      ],
      rows: names.map((name) => [
        name,
        none(name)[0] ?? "",
        ...all(name),
        row((many) => many.loaded, 0)(name)[0] ?? "",
        ...each(name),
      ]),
    },
    {
      title: "8 of these models asked in turn",
      columns: ["", "requests/s", "(min - max)", "loads a request", "evictions a request"],
      rows: names.map((name) => [
        name,
        ...perSecond(name),
        perRequest("loads")(name)[0] ?? "",
        perRequest("evictions")(name)[0] ?? "",
      ]),
    },
  ];
}

export function toNeighboursTable(rounds: readonly ByPlacement<Neighbours>[]): Table {
  const placements: readonly (readonly [Placement, string])[] = [
    ["own", "heavy model in its own isolate"],
    ["shared", "heavy model in shared cells"],
  ];
  const runMs = placements.map(([placement]) =>
    quantile(
      rounds.flatMap((round) => round[placement].heavyRunMs),
      0.5,
    ).toFixed(0),
  );
  const rate = placements.map(([placement]) =>
    toSpread(rounds.map((round) => round[placement].heavyPerSecond)).median.toFixed(1),
  );
  return {
    title: `Beside a saturated EfficientNet (8 clients): ${rate.join(" and ")} predictions/s of ${runMs.join(" and ")} ms a run, own and cells`,
    columns: [
      "",
      "alone: p50 ms",
      "p99 ms",
      "beside: p50 ms",
      "p99 ms",
      "p99 beside / alone",
      "p99 / heavy run",
    ],
    rows: placements.flatMap(([placement, title], index) =>
      PROBE_NAMES.map((name) => {
        const latencies = (which: "aloneMs" | "besideMs"): number[] =>
          rounds.flatMap((round) => round[placement][which][name] ?? []);
        const alone = latencies("aloneMs");
        const beside = latencies("besideMs");
        const p99 = quantile(beside, 0.99);
        return [
          `${name}, ${title}`,
          quantile(alone, 0.5).toFixed(2),
          quantile(alone, 0.99).toFixed(2),
          quantile(beside, 0.5).toFixed(2),
          p99.toFixed(2),
          (p99 / quantile(alone, 0.99)).toFixed(1),
          (p99 / Number(runMs[index])).toFixed(1),
        ];
      }),
    ),
  };
}

function perSecond(timings: Timings): number {
  return timings.perSecond;
}

function medianOf<T>(
  rounds: readonly ByPlacement<T>[],
  placement: Placement,
  of: (measured: T) => number,
): number {
  return toSpread(rounds.map((round) => of(round[placement]))).median;
}

/** Of a duration: the median, the smallest and the largest ratio of all rounds. */
function toRatio<T>(rounds: readonly ByPlacement<T>[], of: (measured: T) => number): string[] {
  return toCells(
    rounds.map(({ own, shared }) => of(own) / of(shared)),
    2,
  );
}

/** Of the latencies of all rounds, because one has too few for a high quantile. */
function pooled(
  rounds: readonly ByPlacement<Timings>[],
  placement: Placement,
  share: number,
): number {
  return quantile(
    rounds.flatMap((round) => round[placement].latenciesMs),
    share,
  );
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}

function toCells(values: readonly number[], digits: number): string[] {
  const { median, min, max } = toSpread(values);
  return [median.toFixed(digits), `(${min.toFixed(digits)} - ${max.toFixed(digits)})`];
}
