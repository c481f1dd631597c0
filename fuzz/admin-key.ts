/** The admin key of the fuzzed Worker, and the names that the kinds may publish and delete. */
export const ADMIN_KEY = "fuzz-key";
export const SCRATCH_PREFIX = "scratch-";

export const AUTHORIZATION = ["authorization", `Bearer ${ADMIN_KEY}`] as const;
