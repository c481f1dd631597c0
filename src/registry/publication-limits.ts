/**
 * Times by which publications and the collection of garbage keep out of each other's way. Object storage has conditional
 * writes and no conditional deletions, so what is deleted must be what nobody can need any more
 * (`docs/adr/2026-11-30-deletion-and-garbage.md`).
 */

const MINUTE_MS = 60_000;

/** A publication puts its manifest within this time of having stored its first file, or not at all. */
export const PUBLICATION_LIMIT_MS = 15 * MINUTE_MS;

/** A manifest whose paths are fixed, because it was signed, is published within this time of its `createdAt`, or not at all. */
export const PREPARED_LIMIT_MS = 45 * MINUTE_MS;

/** Longest time that an operation of storage may take to have its effect after it was begun. */
export const MAX_OPERATION_MS = 10 * MINUTE_MS;

/**
 * Files younger than this may be part of a publication that is not complete: {@link PREPARED_LIMIT_MS}, then
 * {@link PUBLICATION_LIMIT_MS} and {@link MAX_OPERATION_MS}, and the rest for clocks that differ.
 */
export const MIN_GARBAGE_AGE_MS = 120 * MINUTE_MS;
