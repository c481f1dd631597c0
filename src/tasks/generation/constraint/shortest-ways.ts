import type { Steps } from "../../text/word-model.ts";
import type { State } from "./grammar.ts";
import { childOf, hasTokens, type TokenTrie } from "./token-trie.ts";

/** How many bytes of a state's ways are looked at for a token: names are written with few tokens, whatever their length. */
const MAX_LOOKS = 48;
/** States that are looked at in one step. */
const STATES_OF_STEP = 256;

/**
 * Finds for each state how far the end of its rule is at most: calls inside one another, and tokens. The way of the fewest
 * tokens is one with the fewest calls inside one another, which a limit of those never closes.
 */
export function* findShortestWays(states: readonly State[], trie: TokenTrie): Steps<void> {
  yield* settle(states, heightOf, ({ epsilon, edges }) => [
    ...epsilon,
    ...edges.map(({ next }) => next),
  ]);
  const targets: (readonly State[])[] = [];
  for (const state of states) {
    targets.push(tokenTargets(state, trie));
    if (targets.length % STATES_OF_STEP === 0) yield;
  }
  const targetsOf = (state: State): readonly State[] => targets[state.id] ?? [];
  yield* settle(
    states,
    (state) => restOf(state, targetsOf(state)),
    (state) => [...state.epsilon, ...targetsOf(state)],
  );
}

/**
 * Updates states until nothing changes: all of them once, and then those before a state that has changed.
 * @param after the states that an update reads, without those of a call
 */
function* settle(
  states: readonly State[],
  update: (state: State) => boolean,
  after: (state: State) => readonly State[],
): Steps<void> {
  const before: State[][] = states.map(() => []);
  for (const state of states) {
    const { call } = state;
    const read = call ? [...after(state), call.rule.start, call.next] : after(state);
    for (const next of new Set(read)) before[next.id]?.push(state);
    if (state.id % STATES_OF_STEP === 0) yield;
  }
  const waits = new Uint8Array(states.length).fill(1);
  let waiting = states.length;
  let updates = 0;
  for (let start = states.length - 1; waiting > 0; ) {
    // From the end, as a state before another one is created before it, with few exceptions: those wait for the next turn.
    let later = 0;
    let last = 0;
    for (let index = start; waiting > later; index--) {
      if (!waits[index]) continue;
      waits[index] = 0;
      waiting -= 1;
      if (++updates % STATES_OF_STEP === 0) yield;
      if (!update(states[index] as State)) continue;
      for (const { id } of before[index] ?? []) {
        if (waits[id]) continue;
        waits[id] = 1;
        waiting += 1;
        if (id < index) continue;
        later += 1;
        last = Math.max(last, id);
      }
    }
    start = last;
  }
}

function heightOf(state: State): boolean {
  let best = state.isEnd ? 0 : state.height;
  for (const next of state.epsilon) best = Math.min(best, next.height);
  for (const { next } of state.edges) best = Math.min(best, next.height);
  if (state.call) best = Math.min(best, callHeight(state.call));
  if (best >= state.height) return false;
  state.height = best;
  return true;
}

function callHeight({ rule, next }: NonNullable<State["call"]>): number {
  return isTail(next) ? rule.start.height : Math.max(1 + rule.start.height, next.height);
}

/** Whether nothing but the end of the rule follows, so that a call needs no return. */
export function isTail({ isEnd, edges, epsilon, call }: State): boolean {
  return isEnd && edges.length === 0 && epsilon.length === 0 && !call;
}

function restOf(state: State, targets: readonly State[]): boolean {
  let best = state.isEnd ? 0 : state.rest;
  for (const next of state.epsilon)
    if (next.height <= state.height) best = Math.min(best, next.rest);
  for (const next of targets) if (next.height <= state.height) best = Math.min(best, 1 + next.rest);
  const { call } = state;
  if (call && callHeight(call) <= state.height)
    best = Math.min(best, call.rule.start.rest + call.next.rest);
  if (best >= state.rest) return false;
  state.rest = best;
  return true;
}

/** States of the rule to which a single token leads: of bytes in a range the first one is taken that has tokens. */
function tokenTargets(state: State, trie: TokenTrie): readonly State[] {
  const targets: State[] = [];
  const queue: { at: State; node: number }[] = [{ at: state, node: 0 }];
  let looks = 0;
  for (const { at, node } of queue) {
    if (++looks > MAX_LOOKS) break;
    if (node > 0) {
      if (hasTokens(trie, node)) targets.push(at);
      for (const next of at.epsilon) queue.push({ at: next, node });
    }
    for (const { first, last, next } of at.edges) {
      const child = firstChild(trie, node, first, last);
      if (child > 0) queue.push({ at: next, node: child });
    }
  }
  return targets;
}

function firstChild(trie: TokenTrie, node: number, first: number, last: number): number {
  if (first === last) return childOf(trie, node, first);
  let any = 0;
  const end = trie.ends[node] as number;
  for (let child = node + 1; child < end; child = trie.ends[child] as number) {
    const byte = trie.bytes[child] as number;
    if (byte < first || byte > last) continue;
    if (hasTokens(trie, child)) return child;
    any ||= child;
  }
  return any;
}
