/**
 * The colours of charts, on light and on dark backgrounds. Those of texts have a contrast of at least 4.5 to the background, those
 * of bars and lines 3 (WCAG 2.2, AA).
 */
interface Colour {
  readonly light: string;
  readonly dark: string;
}

const COLOURS = {
  background: { light: "#ffffff", dark: "#15171c" },
  ink: { light: "#1b1f24", dark: "#e8eaed" },
  muted: { light: "#57606a", dark: "#a3adb8" },
  grid: { light: "#d8dee4", dark: "#30363d" },
  positive: { light: "#c9184a", dark: "#ff7093" },
  negative: { light: "#1668c1", dark: "#62aaf7" },
} as const satisfies Record<string, Colour>;

/** Of outputs beside one another. */
const SERIES: readonly Colour[] = [
  { light: "#1f6fb8", dark: "#6cb2fe" },
  { light: "#c2410c", dark: "#fb923c" },
  { light: "#15803c", dark: "#4ade80" },
  { light: "#7c3aec", dark: "#b79bfe" },
  { light: "#be185c", dark: "#f77fbd" },
  { light: "#0e748f", dark: "#4cc9df" },
];

/** At most so many outputs are drawn beside one another. */
export const MAX_SERIES: number = SERIES.length;

type Palette = { readonly [name in keyof typeof COLOURS]: string };

/** By name, as they are written into pictures: for light backgrounds. */
export const PALETTE: Palette = Object.fromEntries(
  Object.entries(COLOURS).map(([name, { light }]) => [name, light]),
) as Palette;

export function seriesColour(index: number): string {
  return (SERIES[index % SERIES.length] as Colour).light;
}

/** All of them, with whether they are colours of texts; tests calculate their contrasts. */
export const ALL_COLOURS: readonly Colour[] = [...Object.values(COLOURS), ...SERIES];

/**
 * The style of a picture: for readers who prefer dark pages, the colours that elements have by attributes become those for dark
 * backgrounds. What does not know this style shows the light ones.
 */
export const PICTURE_STYLE: string = [
  "@media (prefers-color-scheme: dark) {",
  ...ALL_COLOURS.flatMap(({ light, dark }) =>
    ["fill", "stroke"].map((name) => `[${name}="${light}"] { ${name}: ${dark}; }`),
  ),
  "}",
].join("\n");

const variables = (theme: "light" | "dark"): string =>
  `:root { ${Object.entries(COLOURS)
    .map(([name, colour]) => `--${name}: ${colour[theme]};`)
    .join(" ")} }`;

/** The colours of pages around pictures, as variables. */
export const PALETTE_STYLE: string = `${variables("light")}
@media (prefers-color-scheme: dark) { ${variables("dark")} }`;
