import type { ModelRuntime, ModelState } from "./ports.ts";

/**
 * The state of a version: ready when all of its models are, failed and loading when one of them is.
 * @param digests of the files of its models
 */
export function versionState(
  runtime: Pick<ModelRuntime, "state">,
  digests: readonly string[],
): ModelState {
  const states = digests.map((digest) => runtime.state(digest));
  const find = (state: ModelState["state"]) => states.find((each) => each.state === state);
  return find("failed") ?? find("loading") ?? find("absent") ?? { state: "ready" };
}
