import type { Manifest } from "../domain/manifest.ts";
import type { TensorSpec } from "../domain/tensor.ts";

/** The inputs of a model by their names, of which the manifest's schema has checked that they exist. */
export function inputSpecs({
  name,
  inputs,
}: Pick<Manifest, "name" | "inputs">): (input: string) => TensorSpec {
  return (input) => {
    const spec = inputs.find((candidate) => candidate.name === input);
    if (!spec) throw new Error(`the manifest of ${name} has no input ${input}`);
    return spec;
  };
}
