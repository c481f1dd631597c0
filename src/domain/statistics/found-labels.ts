import type { Manifest } from "../manifest.ts";

/** Tasks that find any number of things in an input, each of which counts as predicted: their runs do not tell them. */
const FOUND: readonly string[] = ["object-detection", "image-segmentation", "token-classification"];

export function findsLabels({ postprocess }: Pick<Manifest, "postprocess">): boolean {
  return postprocess !== undefined && FOUND.includes(postprocess.type);
}

/** The label of an item of a task's result: of a class, an object or an entity. */
export function labelOf(item: Readonly<Record<string, unknown>>): string | undefined {
  const name = item.label ?? item.entity_group ?? item.entity;
  return typeof name === "string" ? name : undefined;
}
