import { fileEntry, type Manifest, type ManifestFile } from "./manifest.ts";

/** A model of a version, as its manifest declares it: the main one, or one of `models`. */
export type MemberModel = Pick<Manifest, "format" | "file" | "inputs" | "outputs"> & {
  readonly runtime: Pick<Manifest["runtime"], "prepack" | "heapBytes">;
};

/**
 * @param member one of `models`; the main model when left out
 * @returns the same object for the same manifest
 * @throws Error for a name that the manifest does not have: blocks are checked against it
 */
export function memberModel(manifest: Manifest, member?: string): MemberModel {
  if (member === undefined) return manifest;
  const { models = {}, name } = manifest;
  const found = Object.hasOwn(models, member) ? models[member] : undefined;
  if (!found) throw new Error(`the manifest of ${name} has no model ${member}`);
  return found;
}

/** Every model of a version, the main one first. */
export function memberModels(manifest: Manifest): readonly MemberModel[] {
  const { models } = manifest;
  return models ? [manifest, ...Object.values(models)] : [manifest];
}

/** The names of a version's models; `undefined` for the main one, which is the first. */
export function memberNames({ models }: Pick<Manifest, "models">): readonly (string | undefined)[] {
  return models ? [undefined, ...Object.keys(models)] : [undefined];
}

/** The file of a model of a version. */
export function memberFile(manifest: Manifest, member?: string): ManifestFile {
  return fileEntry(manifest, memberModel(manifest, member).file);
}

/** SHA-256 of the files of all models of a version, in hexadecimal, that of the main one first. */
export function memberDigests(manifest: Manifest): readonly string[] {
  return memberModels(manifest).map(({ file }) => fileEntry(manifest, file).sha256);
}
