interface State {
  /** The state after each UTF-16 code unit that continues a stop string. */
  readonly next: Map<number, State>;
  /** The text of this state: a beginning of a stop string. */
  readonly text: string;
  /** The state of the longest proper suffix that begins a stop string as well. */
  fallback: State | undefined;
  /** The longest stop string that ends here. */
  stop: string | undefined;
}

/** What may be sent to the client: `stop` if the text has ended at that stop string. */
export interface StoppableText {
  readonly text: string;
  readonly stopped: boolean;
  readonly stop?: string;
}

/**
 * Finds stop strings in a text that arrives in pieces, and holds back what may be the beginning of one. The text ends
 * before the stop string that is complete first, of those that are complete at once the longest, however the pieces
 * are cut. Linear in the length of the text, by Aho and Corasick's automaton.
 */
export class StopStrings {
  readonly #start: State;
  /** Its text is what is held back. */
  #state: State;
  #stop: string | undefined;

  /** @param stops not empty */
  constructor(stops: readonly string[]) {
    this.#start = createAutomaton(stops);
    this.#state = this.#start;
  }

  push(text: string): StoppableText {
    if (this.#stop !== undefined) return { text: "", stopped: true, stop: this.#stop };
    const held = this.#state.text;
    for (let at = 0; at < text.length; at++) {
      this.#advance(text.charCodeAt(at));
      const { stop } = this.#state;
      if (stop === undefined) continue;
      this.#stop = stop;
      return { text: before(held, text, at + 1, stop.length), stopped: true, stop };
    }
    return { text: before(held, text, text.length, this.#state.text.length), stopped: false };
  }

  /** What is held back, when the text has ended by itself. */
  end(): string {
    const held = this.#stop === undefined ? this.#state.text : "";
    this.#state = this.#start;
    return held;
  }

  #advance(unit: number): void {
    let state: State | undefined = this.#state;
    while (state && !state.next.has(unit)) state = state.fallback;
    this.#state = state?.next.get(unit) ?? this.#start;
  }
}

/** The held text and the first `length` code units of a piece, without their last `dropped` ones. */
function before(held: string, piece: string, length: number, dropped: number): string {
  const kept = held.length + length - dropped;
  return kept <= held.length ? held.slice(0, kept) : held + piece.slice(0, kept - held.length);
}

function createAutomaton(stops: readonly string[]): State {
  const start = createState("");
  for (const stop of stops) {
    let state = start;
    for (let at = 0; at < stop.length; at++) {
      const unit = stop.charCodeAt(at);
      const next = state.next.get(unit) ?? createState(stop.slice(0, at + 1));
      state.next.set(unit, next);
      state = next;
    }
    state.stop = stop;
  }
  // Breadth first: a fallback is shorter, and complete when it is needed.
  const queue = [start];
  for (const state of queue)
    for (const [unit, next] of state.next) {
      let suffix = state.fallback;
      while (suffix && !suffix.next.has(unit)) suffix = suffix.fallback;
      next.fallback = suffix?.next.get(unit) ?? start;
      next.stop ??= next.fallback.stop;
      queue.push(next);
    }
  return start;
}

function createState(text: string): State {
  return { next: new Map(), text, fallback: undefined, stop: undefined };
}
