import type { PublishedModel } from "../../domain/published-model.ts";

/** The background that is kept with a version. */
export interface KeptBackground {
  /** Inputs of its task. */
  readonly inputs: readonly unknown[];
  /** Of the inputs, so that explanations of others are others. */
  readonly digest: string;
}

/** @returns `undefined` when none is kept */
export type ReadBackground = (model: PublishedModel) => Promise<KeptBackground | undefined>;
