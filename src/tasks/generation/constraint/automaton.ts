import type { Rule, State } from "./grammar.ts";
import { isTail } from "./shortest-ways.ts";

/** Arrays and objects inside one another: parsers of clients have limits too. */
export const MAX_NESTING = 64;

/** Where rules go on when they have ended: for each state what is below it. Equal ones are one object. */
interface Stack {
  readonly id: number;
  readonly frames: readonly Frame[];
  /** Calls inside one another. */
  readonly depth: number;
  /** Tokens that end all rules, from their states on. */
  readonly rest: number;
}

interface Frame {
  readonly next: State;
  readonly below: Stack;
}

/** All that a text may go on with. Equal ones are one object, as long as they are remembered. */
export interface Position {
  readonly places: readonly { readonly state: State; readonly stack: Stack }[];
  /** Whether the text may end here. */
  readonly isComplete: boolean;
  /** How many tokens complete the text, of those that can always be written. */
  readonly rest: number;
  /** By byte, as far as they are known. */
  readonly next: (Position | null | undefined)[];
}

/** States that one position may be looked for at: some milliseconds. Only schemas with hundreds of alternatives at once have more. */
const MAX_WORK = 8192;
/** How many positions are remembered: each takes about 1 to 3 KB. */
const MAX_POSITIONS = 600;
/** So many places take as much memory as the rest of a position. */
const PLACES_OF_POSITION = 32;

/** Follows a text through a grammar, byte by byte. */
export class Automaton {
  readonly start: Position;
  #stacks = new Map<string, Stack>();
  #unions = new Map<string, Stack>();
  #positions = new Map<string, Position>();
  #stackCount = 0;
  /** Positions, by their size. */
  #remembered = 0;
  readonly #root: Stack = { id: 0, frames: [], depth: 0, rest: 0 };
  /** Counts the states that were looked at, each of which takes some hundred nanoseconds. */
  work = 0;

  constructor({ start }: Rule) {
    this.start = this.#close([{ state: start, stack: this.#root }]);
  }

  /** @returns `null` where the text cannot go on with the byte */
  step(position: Position, byte: number): Position | null {
    const known = position.next[byte];
    if (known !== undefined) return known;
    const places: { state: State; stack: Stack }[] = [];
    this.work += position.places.length;
    for (const { state, stack } of position.places)
      for (const { first, last, next } of state.edges)
        if (first <= byte && byte <= last) places.push({ state: next, stack });
    const next = places.length > 0 ? this.#close(places) : null;
    const found = next && (next.isComplete || next.places.length > 0) ? next : null;
    position.next[byte] = found;
    return found;
  }

  /** Forgets what need not be remembered. */
  trim(): boolean {
    if (this.#remembered <= MAX_POSITIONS) return false;
    this.#remembered = 0;
    for (const position of this.#positions.values()) position.next.length = 0;
    this.#positions = new Map();
    this.#unions = new Map();
    this.#stacks = new Map();
    return true;
  }

  /** The position of some places, with all that is reached from them without a byte. */
  #close(begun: readonly { readonly state: State; readonly stack: Stack }[]): Position {
    const stacks = new Map<State, Stack>();
    // First in, first out, and each state once: a stack that grows is passed on when more of it is known.
    const queue = new Set<State>();
    let isComplete = false;
    const add = (state: State, stack: Stack): void => {
      this.work += 1;
      if (state.rest === Number.POSITIVE_INFINITY) return;
      if (stack.depth + state.height >= MAX_NESTING) return;
      const known = stacks.get(state);
      const stackThere = known ? this.#unite(known, stack) : stack;
      if (stackThere === known) return;
      stacks.set(state, stackThere);
      queue.add(state);
    };
    const reach = (state: State): void => {
      const stack = stacks.get(state) as Stack;
      for (const next of state.epsilon) add(next, stack);
      if (state.call) {
        const { rule, next } = state.call;
        if (isTail(next)) add(rule.start, stack);
        else add(rule.start, this.#stack([{ next, below: stack }]));
      }
      if (!state.isEnd) return;
      if (stack === this.#root) isComplete = true;
      for (const { next, below } of stack.frames) add(next, below);
    };
    const { work } = this;
    for (const { state, stack } of shortestFirst(begun)) {
      // With fewer alternatives fewer texts are accepted, but of those none is wrong.
      if (this.work - work > MAX_WORK) break;
      add(state, stack);
      for (const reached of queue) {
        queue.delete(reached);
        reach(reached);
      }
    }
    const places = [...stacks]
      .filter(([{ edges }]) => edges.length > 0)
      .map(([state, stack]) => ({ state, stack }))
      .sort((a, b) => a.state.id - b.state.id);
    const key = `${isComplete} ${places.map(({ state, stack }) => `${state.id}:${stack.id}`).join()}`;
    let position = this.#positions.get(key);
    if (!position) {
      const rests = places.map(({ state, stack }) => state.rest + stack.rest);
      const rest = isComplete
        ? 0
        : rests.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
      position = { places, isComplete, rest, next: [] };
      this.#positions.set(key, position);
      this.#remembered += 1 + places.length / PLACES_OF_POSITION;
    }
    return position;
  }

  /** @param frames one for each state, by their ids */
  #stack(frames: readonly Frame[]): Stack {
    const key = frames.map(({ next, below }) => `${next.id}:${below.id}`).join();
    let stack = this.#stacks.get(key);
    if (!stack) {
      const rests = frames.map(({ next, below }) => next.rest + below.rest);
      stack = {
        id: ++this.#stackCount,
        frames,
        depth: 1 + (frames[0]?.below.depth ?? 0),
        rest: rests.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
      };
      this.#stacks.set(key, stack);
    }
    return stack;
  }

  /** All that either stack goes on with. Both are equally deep: as deep as brackets are open. */
  #unite(a: Stack, b: Stack): Stack {
    if (a === b) return a;
    const key = a.id < b.id ? `${a.id} ${b.id}` : `${b.id} ${a.id}`;
    let united = this.#unions.get(key);
    if (!united) {
      this.work += a.frames.length + b.frames.length;
      const frames = new Map(a.frames.map((frame) => [frame.next, frame]));
      for (const { next, below } of b.frames) {
        const known = frames.get(next);
        frames.set(next, { next, below: known ? this.#unite(known.below, below) : below });
      }
      united = this.#stack([...frames.values()].sort((x, y) => x.next.id - y.next.id));
      this.#unions.set(key, united);
    }
    return united;
  }
}

type Place = Position["places"][number];

/** The alternatives by the tokens that they take to the end: the first one is kept in any case. */
function shortestFirst(places: readonly Place[]): readonly Place[] {
  if (places.length === 1) return places;
  return places.toSorted((a, b) => a.state.rest + a.stack.rest - b.state.rest - b.stack.rest);
}
