/** Sections of the repository's wrangler.toml that are for building onnxflare, which the package has behind it. */
const BUILD_SECTIONS = ["build", "define", "alias"];

/** Where a project finds the documents that comments of wrangler.toml name. */
const DOCS = "node_modules/onnxflare/dist/docs/";

/**
 * The wrangler.toml of a project, of the repository's: with every binding, limit, variable and flag, and the comments on
 * them. Paragraphs, which blank lines separate, are of the section that one of their lines begins, or of the last one.
 */
export function deriveWranglerToml(repository: string): string {
  let section: string | undefined;
  const kept = repository
    .trim()
    .split(/\n\s*\n/)
    .filter((paragraph) => {
      section = /^\[+([\w.-]+)\]+/m.exec(paragraph)?.[1] ?? section;
      return section === undefined || !BUILD_SECTIONS.includes(section);
    });
  return `${kept.join("\n\n").replaceAll(/(?<![\w/])docs\//g, DOCS)}\n`;
}
