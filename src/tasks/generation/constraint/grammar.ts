import { ApiError } from "../../../domain/errors.ts";

/**
 * A grammar over bytes: rules that call one another, each of them an automaton. Alternatives are states that are
 * reached at the same time.
 */

/** A state of a rule's automaton. */
export class State {
  readonly id: number;
  readonly edges: Edge[] = [];
  /** States that are reached without a byte. */
  readonly epsilon: State[] = [];
  /** A rule to be followed to its end before `next`. */
  call: { readonly rule: Rule; readonly next: State } | undefined;
  /** Whether the rule may end here. */
  isEnd = false;
  /** How many calls are inside one another at least, on the way to the end of the rule. */
  height = Number.POSITIVE_INFINITY;
  /** How many tokens a way to the end of the rule takes; infinite where no tokens lead there. */
  rest = Number.POSITIVE_INFINITY;

  constructor(id: number) {
    this.id = id;
  }
}

/** Bytes from `first` to `last`. */
export interface Edge {
  readonly first: number;
  readonly last: number;
  readonly next: State;
}

export interface Rule {
  readonly start: State;
  readonly end: State;
}

/** Limits of a grammar, docs/configuration.md. A state takes about 250 bytes. */
export const MAX_STATES = 20_000;

/** So many edges take as much memory as a state. */
const EDGES_OF_STATE = 6;

const ENCODER = new TextEncoder();

/** Creates the states of a grammar, up to a limit. */
export class GrammarBuilder {
  readonly states: State[] = [];
  #edges = 0;

  /** @throws ApiError `invalid_request` for a grammar with too many states */
  state(): State {
    const state = new State(this.states.length);
    this.states.push(state);
    this.#checkSize();
    return state;
  }

  #checkSize(): void {
    if (this.states.length + this.#edges / EDGES_OF_STATE > MAX_STATES)
      throw new ApiError(
        "invalid_request",
        `"grammar" is too large: it has more than ${MAX_STATES} states, of which each letter of a name or of a value in an enum takes one, and each repetition in a pattern or in a limited length or number several.`,
        { details: { field: "grammar", maxStates: MAX_STATES } },
      );
  }

  /** A rule whose states are connected by the caller. */
  rule(): Rule {
    const rule = { start: this.state(), end: this.state() };
    rule.end.isEnd = true;
    return rule;
  }

  bytes(from: State, first: number, last: number, next: State): void {
    from.edges.push({ first, last, next });
    this.#edges += 1;
    if (this.#edges % EDGES_OF_STATE === 0) this.#checkSize();
  }

  /** One text: from a state to another. */
  literal(from: State, text: string, to: State): void {
    this.literals(from, [text], to);
  }

  /** One of several texts, of which those with the same beginning share its states. */
  literals(from: State, texts: Iterable<string>, to: State): void {
    const root: Letters = { state: from, next: new Map() };
    for (const text of texts) {
      let letters = root;
      for (const byte of ENCODER.encode(text)) {
        let next = letters.next.get(byte);
        if (!next) {
          next = { state: this.state(), next: new Map() };
          letters.next.set(byte, next);
          this.bytes(letters.state, byte, byte, next.state);
        }
        letters = next;
      }
      letters.state.epsilon.push(to);
    }
  }

  call(from: State, rule: Rule, next: State): void {
    if (from.call) {
      const other = this.state();
      from.epsilon.push(other);
      other.call = { rule, next };
    } else from.call = { rule, next };
  }

  /** A byte between two values, with a space after it or none. */
  separator(from: State, byte: string, to: State): void {
    const between = this.state();
    const code = byte.charCodeAt(0);
    this.bytes(from, code, code, between);
    this.bytes(between, 0x20, 0x20, to);
    between.epsilon.push(to);
  }
}

interface Letters {
  readonly state: State;
  readonly next: Map<number, Letters>;
}
