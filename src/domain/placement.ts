/**
 * Where a version runs: in cells that it shares with others, in an isolate of its own, or in whichever of them suits its
 * size and task.
 */
export const PLACEMENTS = ["auto", "shared", "own"] as const;
export type Placement = (typeof PLACEMENTS)[number];
