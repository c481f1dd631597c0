import { type Datatype, NUMERIC_DATATYPES } from "../../src/domain/datatype.ts";
import { buildOnnx, type Graph } from "../../test/support/onnx-builder.ts";

/** Models that are published for the whole run, because no model of `models/` has inputs of every datatype. */

const ALL_DATATYPES = [...Object.keys(NUMERIC_DATATYPES), "BYTES"] as Datatype[];

/** Returns each of its inputs: one of each datatype, of any length. */
export function echoGraph(datatypes: readonly Datatype[]): Graph {
  return {
    inputs: datatypes.map((datatype) => ({ name: `x-${datatype}`, datatype, shape: ["n"] })),
    outputs: datatypes.map((datatype) => ({ name: `y-${datatype}`, datatype, shape: ["n"] })),
    nodes: datatypes.map((datatype) => ({
      op: "Identity",
      inputs: [`x-${datatype}`],
      outputs: [`y-${datatype}`],
    })),
  };
}

export const STRINGS_MODEL = "fuzz-strings";
export const DATATYPES_MODEL = "fuzz-datatypes";

/** By name. */
export const HELPER_MODELS: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  [STRINGS_MODEL]: buildOnnx(echoGraph(["BYTES"])),
  [DATATYPES_MODEL]: buildOnnx(echoGraph(ALL_DATATYPES)),
};

/** One element of each datatype. */
export const DATATYPES_INPUTS = ALL_DATATYPES.map((datatype) => ({
  name: `x-${datatype}`,
  datatype,
  shape: [1],
  data: [datatype === "BYTES" ? "a" : datatype === "BOOL" ? true : 1],
}));
