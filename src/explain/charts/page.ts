import { Html, type HtmlValue, html } from "../../shared/html.ts";
import { toLabel } from "./labels.ts";
import { PALETTE_STYLE, PICTURE_STYLE } from "./palette.ts";

/** Shades of a word, by how much of the largest value its own is. */
export const SHADES = 5;

const SHADE_STYLE = ["positive", "negative"]
  .flatMap((sign) =>
    Array.from(
      { length: SHADES },
      (_, index) =>
        `.${sign}-${index + 1} { background: color-mix(in srgb, var(--${sign}) ${(index + 1) * 9}%, transparent); }`,
    ),
  )
  .join("\n");

export const PAGE_STYLE = `
:root { color-scheme: light dark; }
${PALETTE_STYLE}
body { font: 16px/1.5 system-ui, sans-serif; max-width: 45rem; margin: 0 auto; padding: 1rem; background: var(--background); color: var(--ink); overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
svg { max-width: 100%; height: auto; display: block; }
.facts { color: var(--muted); }
.text { line-height: 2; white-space: pre-wrap; }
mark { color: inherit; background: none; border-radius: 0.2rem; padding: 0.1rem 0; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 0.75rem 0; font-size: 0.875rem; }
caption { text-align: left; color: var(--muted); }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0; border-top: 1px solid var(--grid); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
${SHADE_STYLE}
${PICTURE_STYLE}
`;

/** A page without scripts and without references to anything outside of it. */
export function renderPage(title: string, parts: readonly HtmlValue[]): string {
  const heading = toLabel(title, 100);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${heading}</title>
<style>${new Html(PAGE_STYLE)}</style>
</head>
<body>
<main>
<h1>${heading}</h1>
${parts}
</main>
</body>
</html>
`.text;
}

export interface Cell {
  readonly text: string;
  readonly isNumber: boolean;
}

/** A table whose first column has the names of the rows. */
export function renderTable(
  caption: string,
  header: readonly Cell[],
  rows: readonly (readonly Cell[])[],
): Html {
  const kind = ({ isNumber }: Cell): HtmlValue => (isNumber ? html` class="number"` : undefined);
  return html`<div class="table" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${header.map((cell) => html`<th scope="col"${kind(cell)}>${cell.text}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([name, ...cells]) =>
      html`<tr><th scope="row">${name?.text}</th>${cells.map((cell) => html`<td${kind(cell)}>${cell.text}</td>`)}</tr>
`,
  )}</tbody>
</table></div>
`;
}

export function textCell(text: string): Cell {
  return { text, isNumber: false };
}

export function numberCell(text: string): Cell {
  return { text, isNumber: true };
}
