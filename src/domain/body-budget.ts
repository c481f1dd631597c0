/** The memory that the body of one request may take. It must always be released. */
export interface BodyReservation {
  /** Resolves when it is released. */
  readonly released: Promise<void>;
  /** Takes what to call, with the error, when the reservation is evicted: its body stalled while others need the memory. */
  onEvicted(giveUp: (error: unknown) => void): void;
  /**
   * Changes the reservation before the memory is allocated or after it was freed.
   * @throws ApiError `overloaded` with the numbers in its details, when the bodies in flight leave too little
   */
  resize(bytes: number): void;
  /** Says that bytes have arrived, so that the body does not count as stalled. */
  progress(): void;
  /** Says that the body is complete: it is not evicted any more. */
  complete(): void;
  release(): void;
}

/** What the bodies of all requests in flight may take together. */
export interface BodyBudget {
  /**
   * @param bytes reserved at once
   * @param expectedBytes what the body will need: refused at once if that does not fit now
   * @param timeoutMs after which the request has ended; a reservation that is never released expires some time later
   * @throws ApiError `overloaded`
   */
  reserve(options: {
    readonly bytes: number;
    readonly expectedBytes?: number;
    readonly timeoutMs: number;
    /** What the request is for: the bodies for one model leave room for those of others. */
    readonly purpose?: string;
  }): BodyReservation;
}

/** The same memory, of which other work may use what bodies leave. */
export interface SpareBodyBudget extends BodyBudget {
  /**
   * Reserves memory as long as no body needs it; the reservation is evicted then.
   * @returns `undefined` when there is none left
   */
  reserveSpare(options: {
    readonly bytes: number;
    readonly timeoutMs: number;
  }): BodyReservation | undefined;
}
