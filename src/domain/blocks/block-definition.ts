import type { z } from "zod";
import type { TensorSpec } from "../tensor.ts";

/** What contradicts a manifest, and the path of the field that is wrong. */
export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What of a model a block refers to, by name. */
export interface ModelReferences {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
}

/** What of the models and of the version's files a block refers to, by name. */
export interface BlockReferences extends ModelReferences {
  readonly files?: readonly string[];
  /** Of the models beside the main one, by their names. */
  readonly models?: Readonly<Record<string, ModelReferences>>;
}

/** What a manifest declares of a model. */
export interface ModelContext {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** What a manifest declares beside the block that is checked. */
export interface ManifestContext extends ModelContext {
  readonly models?: Readonly<Record<string, ModelContext>> | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly preprocess?: { readonly type: string } | undefined;
  readonly postprocess?: { readonly type: string } | undefined;
  readonly cache: { readonly enabled: boolean };
}

/** A strict object whose `type` is a literal. */
export type BlockSchema = z.ZodType<{ readonly type: string }>;

/**
 * A kind of block. Its implementation, a factory in `src/tasks`, is registered in `src/tasks/registry.ts` under the
 * same type; a page of `docs/blocks` has a section of that name.
 */
interface BlockDefinition<S extends BlockSchema> {
  readonly type: z.output<S>["type"];
  /** The block's fields in a manifest. */
  readonly schema: S;
  /** The `parameters` of a request that the block reads, each with a description. */
  readonly parameters: z.ZodObject;
  references(block: z.output<S>): BlockReferences;
  /**
   * Checks the block against the model's inputs and outputs, the labels and the other block. Dynamic dimensions and
   * tensors of unknown rank (shape `[]`) pass; a name that the model does not have is reported elsewhere.
   */
  problems(block: z.output<S>, manifest: ManifestContext): Iterable<Problem>;
}

/** A block that turns the inputs of a request into tensors. */
export interface PreprocessDefinition<S extends BlockSchema = BlockSchema>
  extends BlockDefinition<S> {
  /** Media types of raw bodies and of parts of forms, in addition to JSON. */
  readonly mediaTypes: readonly string[];
  /** What `inputs` of a request may be, for the API's description. */
  readonly inputs: string;
}

/** A prediction as a picture, which clients get by `accept`. */
export interface PredictionPicture {
  /** Whether clients that accept everything get the picture, and not JSON. */
  readonly isDefault: boolean;
  /** For messages and the API's description: "the image, with its masks in colours". */
  readonly description: string;
}

/**
 * What `inputs` of a tokenizer may be: sentences that are compared with a first one, or ranked by a query, which are read one by one
 * (`comparisons`); pairs of texts; texts with a hypothesis for each of the request's labels; a query with texts, as pairs (`rankings`).
 */
export type TextInputs = "comparisons" | "pairs" | "hypotheses" | "rankings";

/** A block that turns output tensors into a prediction. */
export interface PostprocessDefinition<S extends BlockSchema = BlockSchema>
  extends BlockDefinition<S> {
  /** The prediction for one item, with a description. */
  readonly prediction: z.ZodType;
  /** The objects in it, by the names that they have in the OpenAPI document, and so in the clients made of it. */
  readonly named?: Readonly<Record<string, z.ZodType>>;
  /** The prediction for a list of items; by default a list of `prediction`. */
  readonly listPrediction?: z.ZodType;
  /** What `image/png` of a prediction shows; left out where there is no picture of it. */
  readonly picture?: PredictionPicture;
  /** Whether a result is generated step by step, by a model that is kept in memory meanwhile: it gets an isolate of its own. */
  readonly generates?: boolean;
  /** What it needs of the tokenizer of its texts. */
  readonly texts?: {
    /** What `inputs` may be beside texts. */
    readonly inputs?: TextInputs;
    /** Whether tokens are traced back to their places in the text. */
    readonly spans?: boolean;
  };
}
