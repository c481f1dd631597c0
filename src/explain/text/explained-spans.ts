import type { Span } from "../../tasks/text/token-spans.ts";
import type { PlayerValues } from "../media/media-input.ts";

/** A part of a text with what it has added; `start` and `end` count Unicode code points, as Python does. */
export interface ExplainedSpan {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly value: number | readonly number[];
}

/** @param spans in UTF-16 code units, in their order */
export function toExplainedSpans(
  text: string,
  spans: readonly Span[],
  values: PlayerValues,
): ExplainedSpan[] {
  let at = 0;
  let points = 0;
  /** Tokens of one character may begin at the same place, but none before the one ahead of it. */
  const countTo = (unit: number): number => {
    for (; at < unit; at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) points++;
    return points;
  };
  return spans.map(({ start, end }, index) => {
    const from = start < at ? points - pointsOf(text.slice(start, at)) : countTo(start);
    const part = text.slice(start, end);
    return { start: from, end: from + pointsOf(part), text: part, value: values[index] ?? 0 };
  });
}

function pointsOf(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
