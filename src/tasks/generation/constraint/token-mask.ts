import type { Steps } from "../../text/word-model.ts";
import type { Automaton, Position } from "./automaton.ts";
import type { TokenTrie } from "./token-trie.ts";

/** Tokens after which the text takes equally many tokens to its end. */
interface Group {
  readonly rest: number;
  /** Their ids, or a bit for each token of the vocabulary, whatever is smaller. */
  readonly tokens: Int32Array;
  readonly isList: boolean;
}

/** The tokens that a text may go on with. */
export interface TokenMask {
  readonly groups: readonly Group[];
  /** Whether the tokens that end a text are among them. */
  readonly ends: boolean;
}

/** Nodes of the tree that one step looks at, and states of the grammar: 1 to 3 ms. */
const STEP_NODES = 32_768;
const STEP_STATES = 8192;

/** Walks the tree of tokens along the texts that the grammar accepts. */
export function* createTokenMask(
  automaton: Automaton,
  position: Position,
  trie: TokenTrie,
): Steps<TokenMask> {
  const walk = new Walk(automaton, position, trie);
  while (!walk.advance()) {
    automaton.trim();
    yield;
  }
  automaton.trim();
  return { groups: walk.groups(), ends: position.isComplete };
}

class Walk {
  readonly #automaton: Automaton;
  readonly #trie: TokenTrie;
  readonly #path: Position[];
  readonly #byRest = new Map<number, number[]>();
  #node = 1;

  constructor(automaton: Automaton, position: Position, trie: TokenTrie) {
    this.#automaton = automaton;
    this.#trie = trie;
    this.#path = [position];
  }

  /** @returns whether the walk has ended */
  advance(): boolean {
    const { bytes, depths, ends, firstTokens, tokens } = this.#trie;
    const [automaton, path, count] = [this.#automaton, this.#path, bytes.length];
    const { work } = automaton;
    let node = this.#node;
    for (let looks = 0; node < count && looks < STEP_NODES; looks++) {
      const depth = depths[node] as number;
      const next = automaton.step(path[depth - 1] as Position, bytes[node] as number);
      if (!next) {
        node = ends[node] as number;
        continue;
      }
      path[depth] = next;
      const last = firstTokens[node + 1] as number;
      let at = firstTokens[node] as number;
      if (at < last) {
        const group = this.#group(next.rest);
        for (; at < last; at++) group.push(tokens[at] as number);
      }
      node += 1;
      if (automaton.work - work >= STEP_STATES) break;
    }
    this.#node = node;
    return node >= count;
  }

  groups(): Group[] {
    const { vocabularySize } = this.#trie;
    return [...this.#byRest].map(([rest, ids]) => toGroup(rest, ids, vocabularySize));
  }

  #group(rest: number): number[] {
    let group = this.#byRest.get(rest);
    if (!group) {
      group = [];
      this.#byRest.set(rest, group);
    }
    return group;
  }
}

function toGroup(rest: number, ids: readonly number[], vocabularySize: number): Group {
  const words = (vocabularySize + 31) >>> 5;
  if (ids.length <= words) return { rest, tokens: Int32Array.from(ids), isList: true };
  const bits = new Int32Array(words);
  for (const id of ids) bits[id >>> 5] = (bits[id >>> 5] as number) | (1 << (id & 31));
  return { rest, tokens: bits, isList: false };
}

/** Calls `visit` for each token of a group. */
export function eachToken({ tokens, isList }: Group, visit: (token: number) => void): void {
  if (isList) {
    for (const token of tokens) visit(token);
    return;
  }
  for (let word = 0; word < tokens.length; word++)
    for (let bits = tokens[word] as number; bits !== 0; bits &= bits - 1)
      visit((word << 5) + 31 - Math.clz32(bits & -bits));
}

/** The memory that a mask takes. */
export function maskBytes({ groups }: TokenMask): number {
  return groups.reduce((sum, { tokens }) => sum + tokens.byteLength + 64, 64);
}
