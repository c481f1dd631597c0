import type { ColdStart } from "./cold-start-worker.ts";
import { toSpread } from "./statistics.ts";
import type { Table } from "./table.ts";

/** A model and its measurements. */
export interface Measured {
  readonly model: string;
  readonly title: string;
  /** Size of the file that onnxflare loads. */
  readonly sizeBytes: number;
  /** By variant. */
  readonly memoryAfterLoadBytes: Readonly<Record<string, number>>;
  readonly starts: Readonly<Record<string, readonly ColdStart[]>>;
}

const SUBJECT = "onnxflare";
const BASELINE = "session API";
/** From this size on, reading and parsing the model dominates the first response. */
const LARGE_MODEL_BYTES = 15e6;
const MAX_FIRST_RESPONSE_RATIO = 0.5;
const MAX_RUN_RATIO = 1.05;
/** A clock that counts milliseconds does not measure shorter runs to within 5 %. */
const MIN_RUN_MS = 1;

interface Row {
  readonly name: string;
  readonly digits: number;
  readonly values: (variant: string) => readonly number[];
  /** The target, and whether it is met; `ratio` is the median of onnxflare / session API. */
  readonly target?: (own: number, ratio: number) => string;
}

/** Ratios are computed within a round, which cancels a machine that slows down between rounds. */
export function toComparisonTable(measured: Measured): Table {
  return {
    title: measured.title,
    columns: [
      "",
      SUBJECT,
      "(min - max)",
      BASELINE,
      "(min - max)",
      `${SUBJECT} / baseline`,
      "(min - max)",
      "target",
    ],
    rows: toRows(measured).map(({ name, digits, values, target }) => {
      const own = values(SUBJECT);
      const baseline = values(BASELINE);
      const ratios = own.map((each, round) => each / (baseline[round] ?? Number.NaN));
      return [
        name,
        ...toCells(own, digits),
        ...toCells(baseline, digits),
        ...toCells(ratios, 2),
        target?.(toSpread(own).median, toSpread(ratios).median) ?? "",
      ];
    }),
  };
}

function toRows({ sizeBytes, memoryAfterLoadBytes, starts }: Measured): Row[] {
  const each =
    (value: (start: ColdStart) => number) =>
    (variant: string): number[] =>
      (starts[variant] ?? []).map(value);
  return [
    {
      name: "first response, ms",
      digits: 0,
      values: each(({ firstResponseMs }) => firstResponseMs),
      target: (_, ratio) =>
        sizeBytes < LARGE_MODEL_BYTES ? "" : verdict(ratio, MAX_FIRST_RESPONSE_RATIO),
    },
    { name: "load, ms", digits: 0, values: each(({ loadMs }) => loadMs) },
    {
      name: "memory after load, MB",
      digits: 1,
      values: (variant) => [(memoryAfterLoadBytes[variant] ?? Number.NaN) / 1e6],
      target: (own) => verdict(own, maxMemoryMb(sizeBytes)),
    },
    {
      name: "memory after a run, MB",
      digits: 1,
      values: each(({ memoryBytes }) => memoryBytes / 1e6),
    },
    {
      name: "run, ms",
      digits: 2,
      values: each(({ runMs }) => runMs),
      target: (own, ratio) => (own < MIN_RUN_MS ? "" : verdict(ratio, MAX_RUN_RATIO)),
    },
    { name: "warm response, ms", digits: 2, values: each(({ responseMs }) => responseMs) },
  ];
}

/** Models of which only onnxflare is measured. */
export function toOverviewTable(models: readonly Measured[]): Table {
  const durations: readonly ["firstResponseMs" | "loadMs" | "runMs", string][] = [
    ["firstResponseMs", "first response, ms"],
    ["loadMs", "load, ms"],
    ["runMs", "run, ms"],
  ];
  return {
    title: `models of models/ in ORT format, only ${SUBJECT}`,
    columns: [
      "model",
      "file, MB",
      ...durations.flatMap(([, title]) => [title, "(min - max)"]),
      "memory after load, MB",
      "target",
      "memory after a run, MB",
    ],
    rows: models.map(({ model, sizeBytes, memoryAfterLoadBytes, starts }) => {
      const own = starts[SUBJECT] ?? [];
      const afterLoad = (memoryAfterLoadBytes[SUBJECT] ?? Number.NaN) / 1e6;
      const afterRun = toSpread(own.map(({ memoryBytes }) => memoryBytes / 1e6));
      return [
        model,
        (sizeBytes / 1e6).toFixed(2),
        ...durations.flatMap(([key]) =>
          toCells(
            own.map((start) => start[key]),
            0,
          ),
        ),
        afterLoad.toFixed(1),
        verdict(afterLoad, maxMemoryMb(sizeBytes)),
        afterRun.median.toFixed(1),
      ];
    }),
  };
}

/** The target in MB: an instance starts at 16.8 MB, and a model in ORT format needs little beside its own bytes. */
function maxMemoryMb(sizeBytes: number): number {
  return (sizeBytes / 1e6) * 1.4 + 17;
}

function verdict(value: number, max: number): string {
  const target = `<= ${Number(max.toFixed(2))}`;
  return value <= max ? `${target}: met` : `${target}: missed`;
}

function toCells(values: readonly number[], digits: number): string[] {
  const { median, min, max } = toSpread(values);
  return [median.toFixed(digits), `(${min.toFixed(digits)} - ${max.toFixed(digits)})`];
}
