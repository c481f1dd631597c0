import { setTimeout as pause } from "node:timers/promises";

/** Far more often than any wait needs; without a bound a test that fails would never end. */
const MAX_POLLS = 5000;
/** Most states are reached at once; later polls pause, so that the other program can run. */
const PROMPT_POLLS = 20;
const PAUSE_MS = 5;

/**
 * Reads a state again and again until it has a value.
 * @param what the name of the state in the error
 * @throws Error when it has none after {@link MAX_POLLS} polls
 */
export async function poll<T>(what: string, read: () => Promise<T | undefined>): Promise<T> {
  for (let polls = 0; polls < MAX_POLLS; polls++) {
    if (polls >= PROMPT_POLLS) await pause(PAUSE_MS);
    const found = await read();
    if (found !== undefined) return found;
  }
  throw new Error(`no ${what} after ${MAX_POLLS} polls`);
}
