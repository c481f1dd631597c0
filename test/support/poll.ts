import { setTimeout as pause } from "node:timers/promises";

/** Far more often than any wait needs; without a bound a test that fails would never end. */
const MAX_POLLS = 5000;
/** Most states come at once; later polls leave the processor to the program that is waited for. */
const PROMPT_POLLS = 20;
const PAUSE_MS = 5;

/**
 * Repeats a look at a state that can only be asked for, until it gives a value.
 * @param what is waited for, for the error
 * @throws Error when it never gives one
 */
export async function poll<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let polls = 0; polls < MAX_POLLS; polls++) {
    if (polls >= PROMPT_POLLS) await pause(PAUSE_MS);
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`no ${what} after ${MAX_POLLS} polls`);
}
