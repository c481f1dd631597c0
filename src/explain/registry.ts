import type { ExplanationMethod } from "./method.ts";

/** Every method, by its name in requests; the first that suits a version explains it when the request names none. */
export const METHODS: readonly ExplanationMethod[] = [];
