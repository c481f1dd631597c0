/** Nodes and masks between two checkpoints: about a millisecond. */
export const WORK_PER_STEP = 131_072;

/**
 * Counts work. A checkpoint for each tree would cost more than a small tree.
 * @returns what says whether a checkpoint is due after some more work
 */
export function createPace(): (work: number) => boolean {
  let done = 0;
  return (work) => {
    done += work;
    if (done < WORK_PER_STEP) return false;
    done = 0;
    return true;
  };
}
