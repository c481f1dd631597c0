/** An input or output of the example data, by which requests are compared with it. */
export type ReferenceFeature = NumericReference | CategoryReference;

export interface NumericReference {
  readonly name: string;
  readonly kind: "numeric";
  readonly count: number;
  readonly missing: number;
  readonly mean: number;
  readonly deviation: number;
  readonly min: number;
  readonly max: number;
  /** Ascending. A value belongs to the bin of the first edge that is not below it, or to the last one. */
  readonly edges: readonly number[];
  /** One more than edges. */
  readonly counts: readonly number[];
}

export interface CategoryReference {
  readonly name: string;
  readonly kind: "category";
  readonly count: number;
  readonly missing: number;
  readonly categories: readonly string[];
  /** By category; the last one is of all others. */
  readonly counts: readonly number[];
}

/** What the inputs and outputs of a version look like in its example data. */
export interface ReferenceProfile {
  readonly schemaVersion: 1;
  readonly model: string;
  readonly version: string;
  /** Rows of the example data. */
  readonly rows: number;
  readonly createdAt: string;
  readonly inputs: readonly ReferenceFeature[];
  readonly outputs: readonly ReferenceFeature[];
}
