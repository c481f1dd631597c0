import { quote } from "../shared/quote.ts";
import { ApiError } from "./errors.ts";

/** The name of a model, which is one segment of an R2 key and of a URL path. */
export const MODEL_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
/** Reserved: no model may have this name. */
export const RESERVED_MODEL_NAME = "stats";
export const RESERVED_MODEL_NAME_REASON =
  "GET /v2/models/stats returns the statistics of all models, and would hide a model of this name";
/** A positive integer without leading zeros, kept as a string as the protocol's `versions` are. */
export const MODEL_VERSION = /^[1-9][0-9]{0,8}$/;

/** One published version of a model. */
export interface ModelId {
  readonly name: string;
  readonly version: string;
}

/** The default version of a model, or the version or alias that is named. */
export interface ModelReference {
  readonly name: string;
  readonly version?: string | undefined;
  readonly alias?: string | undefined;
}

/** The form of a reference; versions and aliases follow an `@`. */
export const MODEL_REFERENCE =
  /^[a-z0-9][a-z0-9._-]{0,62}(@([1-9][0-9]{0,8}|[a-z][a-z0-9-]{0,62}))?$/;

const NUMBER = /^[0-9]+$/;

/** Splits `name`, `name@version` or `name@alias`, which whoever resolves it checks. No alias is a number. */
export function parseModelReference(reference: string): ModelReference {
  const at = reference.indexOf("@");
  if (at === -1) return { name: reference };
  const name = reference.slice(0, at);
  const selector = reference.slice(at + 1);
  return NUMBER.test(selector) ? { name, version: selector } : { name, alias: selector };
}

/** The model's name in a reference to it. */
export function modelNameIn(reference: string): string {
  const at = reference.indexOf("@");
  return at === -1 ? reference : reference.slice(0, at);
}

/**
 * Checks a name from a URL.
 * @throws ApiError `model_not_found`: a name that cannot exist is a model that does not exist.
 */
export function parseModelName(name: string): string {
  if (MODEL_NAME.test(name)) return name;
  throw new ApiError(
    "model_not_found",
    `No model named ${quote(name)}: a name is 1 to 63 lower-case letters, digits, dots, underscores and hyphens, and starts with a letter or digit.`,
  );
}

/** @throws ApiError `invalid_request` for a name that no new model may have */
export function refuseReservedName(name: string): void {
  if (name !== RESERVED_MODEL_NAME) return;
  throw new ApiError(
    "invalid_request",
    `No model can be named "${name}": ${RESERVED_MODEL_NAME_REASON}.`,
  );
}

/** @throws ApiError `version_not_found` when the text is not a version number. */
export function parseModelVersion(name: string, version: string): string {
  if (MODEL_VERSION.test(version)) return version;
  throw new ApiError(
    "version_not_found",
    `Model "${name}" has no version ${quote(version)}: a version is a positive integer without leading zeros.`,
  );
}

/** Compares versions for sorting, newest first. */
export function compareVersions(a: string, b: string): number {
  return Number(b) - Number(a);
}

export function formatModelId({ name, version }: ModelId): string {
  return `model "${name}" version ${version}`;
}
