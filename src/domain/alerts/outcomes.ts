import type { Aggregate } from "../monitoring/aggregate.ts";
import type { Counts } from "../monitoring/counts.ts";

/** 5xx that tell of the request: nothing is wrong with the service. */
const NO_FAILURES = new Set(["not_supported", "task_not_supported", "not_cached"]);

/** Requests that the service could not answer: `500 internal`, `503 model_load_failed`, ... */
export function failuresOf({ outcomes }: Pick<Aggregate, "outcomes">): number {
  return sumOf(outcomes, (outcome) => {
    const [status = "", code = ""] = outcome.split(" ");
    return status.startsWith("5") && !NO_FAILURES.has(code);
  });
}

/** Requests that were refused because there was too much to do, or too much was asked for. */
export function refusalsOf({ outcomes }: Pick<Aggregate, "outcomes">): number {
  return sumOf(outcomes, (outcome) => outcome.startsWith("429"));
}

export function sumOf(counts: Counts, isCounted: (name: string) => boolean = () => true): number {
  let sum = 0;
  for (const [name, count] of Object.entries(counts)) if (isCounted(name)) sum += count;
  return sum;
}

/** Of the most frequent ones. */
export function mostFrequent(
  counts: Counts,
  isCounted: (name: string) => boolean,
): string | undefined {
  let [most, name]: [number, string | undefined] = [0, undefined];
  for (const [each, count] of Object.entries(counts))
    if (count > most && isCounted(each)) [most, name] = [count, each];
  return name;
}

/** `12 %`, `0.35 %` */
export function percent(ratio: number): string {
  const value = ratio * 100;
  return `${value >= 10 ? Math.round(value) : Number(value.toPrecision(2))} %`;
}

/** `5 minutes`, `90 seconds`, `2 hours` */
export function duration(seconds: number): string {
  if (seconds % 3600 === 0) return plural(seconds / 3600, "hour");
  return seconds % 60 === 0 ? plural(seconds / 60, "minute") : plural(seconds, "second");
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
