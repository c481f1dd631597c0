/** Limits the requests of a network before anything is done for them. */
export interface FloodGuard {
  /** Counts a request. */
  allows(network: string): Promise<boolean>;
}

/** `violated-policies` of a request that the flood guard refuses, and how long its windows are at most. */
export const FLOOD_POLICY = "address";
export const FLOOD_WINDOW_SECONDS = 60;
