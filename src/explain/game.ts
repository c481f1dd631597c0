/**
 * A cooperative game: an input of a model, whose features are the players. The value of a coalition is the model's output
 * when its players are known and the others are not.
 * Source: Lundberg and Lee, A Unified Approach to Interpreting Model Predictions, NeurIPS 2017.
 */
export interface Game {
  readonly players: number;
  /** Values of one coalition: the outputs that are explained. */
  readonly outputs: number;
  /** Rows that the model is run for to get the value of one coalition. */
  readonly runsPerCoalition: number;
  /**
   * Gets the values of coalitions, by as few runs of the model as they fit in.
   * @returns the values, coalition by coalition: `coalitions.length` times `outputs`
   * @throws ApiError of the runs, and when the deadline has passed or the client has closed the connection
   */
  evaluate(coalitions: readonly Coalition[]): Promise<Float64Array>;
}

/** One byte a player: 1 for one that is known, 0 for one that is not. */
export type Coalition = Uint8Array;
