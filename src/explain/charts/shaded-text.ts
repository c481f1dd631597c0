import { type Html, type HtmlValue, html } from "../../shared/html.ts";
import type { ChartSpan } from "./chart-answer.ts";
import { toChangeLabel } from "./labels.ts";
import { SHADES } from "./page.ts";

/** Spans of a text that are shown; answers in JSON have all. */
const MAX_SPANS = 2000;

/** A text whose words have a shade by what they have added to one output; their titles have the numbers. */
export function shadedText(
  spans: readonly ChartSpan[],
  text: string | undefined,
  output: number,
): Html {
  const shown = spans.slice(0, MAX_SPANS);
  const points = text === undefined ? undefined : Array.from(text);
  const values = shown.map(({ value }) =>
    typeof value === "number" ? value : (value[output] ?? 0),
  );
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const parts: HtmlValue[] = [];
  let at = shown[0]?.start ?? 0;
  for (const [index, span] of shown.entries()) {
    if (span.start > at) parts.push(points?.slice(at, span.start).join("") ?? " ");
    at = span.end;
    const value = values[index] ?? 0;
    const shade = largest > 0 ? Math.round((Math.abs(value) / largest) * SHADES) : 0;
    const name = shade > 0 ? `${value < 0 ? "negative" : "positive"}-${shade}` : "none";
    parts.push(html`<mark class="${name}" title="${toChangeLabel(value)}">${span.text}</mark>`);
  }
  if (shown.length < spans.length) parts.push(" \u2026");
  return html`<p class="text">${parts}</p>`;
}
