import { toTable } from "../format/table.ts";
import type { Output } from "../output.ts";

const TEXTS = ["generated_text", "summary_text", "translation_text", "text"] as const;

/** A prediction for a person: texts as they are, classes as a table, everything else as it was sent. */
export function describePrediction(output: Output, text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  const generated = toText(Array.isArray(value) && value.length === 1 ? value[0] : value);
  if (generated !== undefined) return generated;
  const scores = toScores(value);
  if (scores === undefined) return text;
  return toTable(
    scores.map(([label, score], index) => [
      index === 0 ? output.style("bold", label) : label,
      formatScore(score),
    ]),
  );
}

function toText(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const texts = TEXTS.flatMap((name) => {
    const text = (value as Record<string, unknown>)[name];
    return typeof text === "string" && Object.keys(value).length === 1 ? [text] : [];
  });
  return texts[0];
}

function toScores(value: unknown): [label: string, score: number][] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const scores = value.flatMap((entry: unknown): [string, number][] => {
    const { label, score, ...others } = Object(entry);
    const isScore = typeof label === "string" && typeof score === "number";
    return isScore && Object.keys(others).length === 0 ? [[label, score]] : [];
  });
  return scores.length === value.length ? scores : undefined;
}

/** Small ones are not shown as 0. */
function formatScore(score: number): string {
  return Math.abs(score) >= 1e-4 || score === 0 ? score.toFixed(4) : score.toExponential(2);
}
