/** The files of a version are in a folder that no other publication has: two publications of one version cannot mix their files. */
const FOLDER = /^[0-9a-f]{16}$/;

export function createPublicationFolder(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 16);
}

/** The publication folder that a path begins with; `undefined` for another path. */
export function publicationFolderOf(path: string): string | undefined {
  const [first = "", ...rest] = path.split("/");
  return rest.length > 0 && FOLDER.test(first) ? first : undefined;
}
