import type { ColdStart } from "./cold-worker.ts";
import { toSpread } from "./statistics.ts";
import type { Table } from "./table.ts";

/** A model with what was measured. */
export interface Measured {
  readonly model: string;
  readonly title: string;
  /** Of the file that onnxflare loads. */
  readonly sizeBytes: number;
  /** By variant. */
  readonly memoryAfterLoadBytes: Readonly<Record<string, number>>;
  readonly starts: Readonly<Record<string, readonly ColdStart[]>>;
}

const SUBJECT = "onnxflare";
const RIVAL = "session API";
/** From this size on, reading and parsing the model is what the first answer waits for. */
const LARGE_MODEL_BYTES = 15e6;
const MOST_OF_FIRST_ANSWER = 0.5;
const MOST_OF_RUN = 1.05;
/** Shorter runs are not known to a twentieth by a clock that counts milliseconds. */
const SHORTEST_RUN_MS = 1;

interface Row {
  readonly name: string;
  readonly digits: number;
  readonly values: (variant: string) => readonly number[];
  /** What is to be reached, and whether it is; `ratio` is the median of onnxflare / session API. */
  readonly target?: (own: number, ratio: number) => string;
}

/** Ratios are taken within a round, so that a machine that slows down between rounds cancels out. */
export function toComparisonTable(measured: Measured): Table {
  return {
    title: measured.title,
    columns: [
      "",
      SUBJECT,
      "(min - max)",
      RIVAL,
      "(min - max)",
      `${SUBJECT} / it`,
      "(min - max)",
      "to reach",
    ],
    rows: toRows(measured).map(({ name, digits, values, target }) => {
      const own = values(SUBJECT);
      const rival = values(RIVAL);
      const ratios = own.map((each, round) => each / (rival[round] ?? Number.NaN));
      return [
        name,
        ...toCells(own, digits),
        ...toCells(rival, digits),
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
      name: "first answer, ms",
      digits: 0,
      values: each(({ firstAnswerMs }) => firstAnswerMs),
      target: (_, ratio) =>
        sizeBytes < LARGE_MODEL_BYTES ? "" : verdict(ratio, MOST_OF_FIRST_ANSWER),
    },
    { name: "creation, ms", digits: 0, values: each(({ loadMs }) => loadMs) },
    {
      name: "memory after load, MB",
      digits: 1,
      values: (variant) => [(memoryAfterLoadBytes[variant] ?? Number.NaN) / 1e6],
      target: (own) => verdict(own, memoryBound(sizeBytes)),
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
      target: (own, ratio) => (own < SHORTEST_RUN_MS ? "" : verdict(ratio, MOST_OF_RUN)),
    },
    { name: "warm answer, ms", digits: 2, values: each(({ answerMs }) => answerMs) },
  ];
}

/** Models that onnxflare alone can load. */
export function toOverviewTable(models: readonly Measured[]): Table {
  const durations: readonly ["firstAnswerMs" | "loadMs" | "runMs", string][] = [
    ["firstAnswerMs", "first answer, ms"],
    ["loadMs", "creation, ms"],
    ["runMs", "run, ms"],
  ];
  return {
    title: `models of models/ in ORT format, ${SUBJECT} alone`,
    columns: [
      "model",
      "file, MB",
      ...durations.flatMap(([, title]) => [title, "(min - max)"]),
      "memory after load, MB",
      "to reach",
      "after a run, MB",
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
        verdict(afterLoad, memoryBound(sizeBytes)),
        afterRun.median.toFixed(1),
      ];
    }),
  };
}

/** In MB: an instance starts at 16.8 MB, and a pinned model needs little beside its own bytes. */
function memoryBound(sizeBytes: number): number {
  return (sizeBytes / 1e6) * 1.4 + 17;
}

function verdict(value: number, most: number): string {
  const bound = `<= ${Number(most.toFixed(2))}`;
  return value <= most ? `${bound}: reached` : `${bound}: missed`;
}

function toCells(values: readonly number[], digits: number): string[] {
  const { median, min, max } = toSpread(values);
  return [median.toFixed(digits), `(${min.toFixed(digits)} - ${max.toFixed(digits)})`];
}
