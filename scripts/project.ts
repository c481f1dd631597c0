import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of package.json, independent of the current working directory. */
export const projectFolder = dirname(dirname(fileURLToPath(import.meta.url)));

export function projectPath(...segments: string[]): string {
  return join(projectFolder, ...segments);
}
