import { PICTURE_STYLE } from "./palette.ts";

const FONT = "system-ui, sans-serif";

/** As XML and HTML have texts; what neither allows is left out by `toLabel`. */
export function escapeMarkup(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/**
 * The picture of ECharts without what only its scripts in browsers read, and with a title, a description and colours for dark
 * pages. Texts cannot be mistaken for attributes: their quotes are escaped.
 * @param styled whether the picture has its style with it, or the page that it is part of
 */
export function cleanSvg(
  svg: string,
  picture: { readonly title: string; readonly description: string },
  styled: boolean,
): string {
  const cleaned = svg
    // Rules for a pointer that is over an element.
    .replace(/<style ?><!\[CDATA\[[^\]]*\]\]>\s*<\/style>\n?/g, "")
    // Clips of lines to far beyond the plot, by ids that are others each time.
    .replace(/<defs ?>[\s\S]*?<\/defs>\n?/g, "")
    .replace(
      / (?:clip-path|class|pointer-events|ecmeta_\w+|xml:space|xmlns:xlink|baseProfile)="[^"]*"/g,
      "",
    )
    .replace(/ style="([^"]*)"/g, (_, declarations: string) => toAttributes(declarations));
  const start = cleaned.indexOf(">") + 1;
  const style = styled ? `<style>${PICTURE_STYLE}</style>\n` : "";
  return [
    cleaned.slice(0, start - 1),
    ` role="img" font-family="${FONT}">\n`,
    `<title>${escapeMarkup(picture.title)}</title>\n`,
    `<desc>${escapeMarkup(picture.description)}</desc>\n`,
    style,
    cleaned.slice(start).trim(),
    "\n",
  ].join("");
}

/** Declarations of a style attribute as attributes, which content security policies do not refuse. */
function toAttributes(declarations: string): string {
  return (
    declarations
      .split(";")
      .map((declaration) => declaration.split(":"))
      // That of the picture is the one of all texts.
      .filter(([name, value]) => name && value && name !== "font-family")
      .map(([name, value]) => ` ${name?.trim()}="${value?.trim()}"`)
      .join("")
  );
}
