/** Sections of the repository's wrangler.toml that are for building onnxflare, which the package has behind it. */
const BUILD_SECTIONS = ["build", "define", "alias"];

/** Where a project finds what is in these folders of the repository. */
const IN_PACKAGE = {
  // Comments name documents.
  "docs/": "node_modules/onnxflare/dist/docs/",
  "build/assets": "node_modules/onnxflare/dist/assets",
};

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
  const paths = new RegExp(`(?<![\\w/])(?:${Object.keys(IN_PACKAGE).join("|")})`, "g");
  const text = kept
    .join("\n\n")
    .replaceAll(paths, (path) => IN_PACKAGE[path as keyof typeof IN_PACKAGE]);
  return `${text}\n`;
}
