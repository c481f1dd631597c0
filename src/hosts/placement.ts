import { postprocessDefinition } from "../domain/blocks/registry.ts";
import { estimateHeapBytes } from "../domain/heap-estimate.ts";
import type { Manifest } from "../domain/manifest.ts";
import { memberFile, memberModel, memberNames } from "../domain/member-models.ts";
import type { CandidateModel } from "../domain/model-host.ts";
import type { Placement } from "../domain/placement.ts";

/** Where models run that say nothing of it. */
export interface PlacementRules {
  readonly placement: Placement;
  /** `auto`: a model that needs more heap than this has an isolate of its own. */
  readonly ownFromBytes: number;
}

/** The placement of a version: its own, or that of the deployment. */
export function placementOf({ runtime }: Manifest, rules: PlacementRules): Placement {
  return runtime.placement ?? rules.placement;
}

/** Whether a version has an isolate of its own, in which all of its models are. */
export function needsOwnIsolate(manifest: Manifest, rules: PlacementRules): boolean {
  const { postprocess } = manifest;
  const placement = placementOf(manifest, rules);
  if (placement !== "auto") return placement === "own";
  if (postprocess && postprocessDefinition(postprocess).generates) return true;
  return versionHeapBytes(manifest) > rules.ownFromBytes;
}

/** The heap of all models of a version, as measured or estimated. */
function versionHeapBytes(manifest: Manifest): number {
  let sum = 0;
  for (const member of memberNames(manifest)) {
    const { format, runtime } = memberModel(manifest, member);
    const { heapBytes, prepack } = runtime;
    const { sizeBytes } = memberFile(manifest, member);
    sum += heapBytes ?? estimateHeapBytes({ format, sizeBytes, prepack });
  }
  return sum;
}

/** {@link needsOwnIsolate} of a file that has no manifest yet. */
export function isDescribedApart(
  { format, sizeBytes }: CandidateModel,
  { placement, ownFromBytes }: PlacementRules,
): boolean {
  if (placement !== "auto") return placement === "own";
  return estimateHeapBytes({ format, sizeBytes, prepack: true }) > ownFromBytes;
}
