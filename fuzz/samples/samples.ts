import type { JsonNode } from "../mutate/json-tree.ts";

/** What the kinds start from: valid requests of every operation and model, valid media, valid models. */
export interface Samples {
  readonly json: readonly JsonSample[];
  readonly frames: readonly FrameSample[];
  readonly media: readonly MediaSample[];
  readonly models: readonly ModelSample[];
  /** Every route of the Worker. */
  readonly routes: readonly SampleRoute[];
  /** Names of models that are served all the time. */
  readonly modelNames: readonly string[];
}

export interface SampleRoute {
  /** In capitals. */
  readonly method: string;
  /** With `{model}` and `{version}` for what varies. */
  readonly path: string;
}

/** The weight of a sample is small where its computation is expensive. */
interface Weighted {
  readonly weight: number;
}

/** A POST of JSON. */
export interface JsonSample extends Weighted {
  readonly target: string;
  readonly body: JsonNode;
}

/** A tensor with its data as little-endian bytes. */
export interface SampleTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** The inputs of a model. */
export interface FrameSample extends Weighted {
  readonly model: string;
  readonly inputs: readonly SampleTensor[];
}

export type MediaFormat = "png" | "jpeg" | "webp" | "gif" | "wav" | "csv" | "text";

export const MEDIA_TYPES: Readonly<Record<MediaFormat, string>> = {
  png: "image/png",
  jpeg: "image/jpeg",
  webp: "image/webp",
  gif: "image/gif",
  wav: "audio/wav",
  csv: "text/csv",
  text: "text/plain",
};

/** A file that a model takes as the body of a task request. */
export interface MediaSample extends Weighted {
  readonly format: MediaFormat;
  readonly model: string;
  readonly bytes: Uint8Array;
}

/** A model file to be mutated. */
export interface ModelSample extends Weighted {
  readonly name: string;
  readonly format: "onnx" | "ort";
  readonly bytes: Uint8Array;
}
