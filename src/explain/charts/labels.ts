import type { FeatureData } from "../../domain/explanation/explanation.ts";

/** Of controls, which XML does not allow, and of those that turn the direction of the text around them. */
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]+/gu;

/** Characters that take the room of two: from Hangul's first ones on, roughly. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\p{Extended_Pictographic}]/u;

const SEGMENTER = new Intl.Segmenter("en", { granularity: "grapheme" });

/** A client's text as one line of at most `width` characters, the last of which stands for those that are cut off. */
export function toLabel(text: string, width: number = 36): string {
  // What is far behind the cut need not be looked at.
  const line = text
    .slice(0, width * 16)
    .toWellFormed()
    .replace(CONTROLS, " ")
    .replace(/\s+/g, " ")
    .trim();
  let taken = 0;
  let end = 0;
  let fitting = 0;
  for (const { segment, index } of SEGMENTER.segment(line)) {
    taken += WIDE.test(segment) ? 2 : 1;
    if (taken <= width - 1) fitting = index + segment.length;
    if (taken <= width) end = index + segment.length;
    else break;
  }
  return end === line.length && text.length <= width * 16
    ? line
    : `${line.slice(0, fitting).trimEnd()}\u2026`;
}

/** A number with up to four digits that matter, and a minus sign. */
export function toNumberLabel(value: number): string {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "infinity" : "\u2212infinity";
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 1e-4 || size >= 1e6)
      ? size.toExponential(2)
      : String(Number(size.toPrecision(size >= 1000 ? Math.trunc(Math.log10(size)) + 1 : 4)));
  return value < 0 ? `\u2212${text}` : text;
}

/** What a feature has added: always with its sign. */
export function toChangeLabel(value: number): string {
  return value > 0 ? `+${toNumberLabel(value)}` : toNumberLabel(value);
}

export function toDataLabel(data: FeatureData | undefined, width: number = 16): string {
  if (data === undefined) return "";
  if (data === null) return "missing";
  return typeof data === "number" ? toNumberLabel(data) : toLabel(String(data), width);
}
