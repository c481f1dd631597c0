import { murmur3 } from "../shared/murmur3.ts";
import { heaviestVersion, onlyVersion, type Route, type Split } from "./routing.ts";

const ENCODER = new TextEncoder();
const MAX_HASHED_END = 4_194_304;

/** What of a request decides which version of a split it gets. */
export interface RequestTraits {
  /** The header `x-sticky-key`. */
  readonly stickyKey?: string | undefined;
  /** The API key. */
  readonly clientKey?: string | undefined;
  /** The bytes of the body. */
  readonly input?: Uint8Array | undefined;
  /** From 0 to 1, the same each time that it is read. */
  readonly random: number;
}

/**
 * The version that a request gets. One that is not drawn, because it does not run a model, gets the version with the largest weight.
 * @param scope distinguishes the draws of one client: the names of model and alias
 */
export function drawVersion(
  route: Pick<Route, "split" | "sticky">,
  scope: string,
  traits: RequestTraits | undefined,
): string {
  const { split, sticky } = route;
  const only = onlyVersion(route);
  if (only !== undefined) return only;
  if (!traits) return heaviestVersion(split);
  const value = sticky && stickyValue(sticky, traits);
  if (value === undefined) return versionAt(split, traits.random);
  return versionAt(split, hash(value, murmur3(ENCODER.encode(scope))) / 2 ** 32);
}

/** Of a long body its ends, which bounds the time. */
function hash(value: Uint8Array, seed: number): number {
  if (value.byteLength <= 2 * MAX_HASHED_END) return murmur3(value, seed);
  const first = murmur3(value.subarray(0, MAX_HASHED_END), seed);
  return murmur3(value.subarray(-MAX_HASHED_END), first);
}

/** The version at a point of the weights' sum, from 0 to 1, in the order of the split. */
export function versionAt(split: Split, point: number): string {
  const total = split.reduce((sum, { weight }) => sum + weight, 0);
  let rest = point * total;
  for (const { version, weight } of split) {
    rest -= weight;
    if (rest < 0) return version;
  }
  return split.at(-1)?.version ?? "";
}

/** Reads only what the split is sticky by. */
function stickyValue(
  sticky: NonNullable<Route["sticky"]>,
  traits: RequestTraits,
): Uint8Array | undefined {
  if (sticky === "input") return traits.input;
  const text = sticky === "header" ? traits.stickyKey : traits.clientKey;
  return text ? ENCODER.encode(text) : undefined;
}
