import { STEP_SIZE, type Steps } from "../../text/word-model.ts";

/**
 * The tokens of a vocabulary by their bytes, as a tree in the order of a depth-first walk: the children of a node follow it, and
 * `ends` has the node after the last of them.
 */
export interface TokenTrie {
  /** Of each node; the first one is the root. */
  readonly bytes: Uint8Array;
  readonly depths: Uint16Array;
  readonly ends: Int32Array;
  /** Where the tokens of a node begin in `tokens`; one more than there are nodes. */
  readonly firstTokens: Int32Array;
  readonly tokens: Int32Array;
  readonly vocabularySize: number;
  readonly eosTokenIds: readonly number[];
}

interface Node {
  readonly children: (Node | undefined)[];
  readonly tokens: number[];
}

/** @param bytesOf the bytes of a token; `undefined` for one that is no part of a text */
export function* createTokenTrie(
  vocabularySize: number,
  bytesOf: (token: number) => Uint8Array | undefined,
  eosTokenIds: readonly number[],
): Steps<TokenTrie> {
  const root: Node = { children: [], tokens: [] };
  let nodes = 1;
  let tokenCount = 0;
  for (let token = 0; token < vocabularySize; token++) {
    if (token % STEP_SIZE === STEP_SIZE - 1) yield;
    const bytes = bytesOf(token);
    if (!bytes || bytes.length === 0 || eosTokenIds.includes(token)) continue;
    let node = root;
    for (const byte of bytes) {
      let child = node.children[byte];
      if (!child) {
        child = { children: [], tokens: [] };
        node.children[byte] = child;
        nodes += 1;
      }
      node = child;
    }
    node.tokens.push(token);
    tokenCount += 1;
  }
  const trie = {
    bytes: new Uint8Array(nodes),
    depths: new Uint16Array(nodes),
    ends: new Int32Array(nodes),
    firstTokens: new Int32Array(nodes + 1),
    tokens: new Int32Array(tokenCount),
    vocabularySize,
    eosTokenIds,
  };
  let [next, written] = [0, 0];
  const add = (node: Node, byte: number, depth: number): void => {
    const index = next++;
    trie.bytes[index] = byte;
    trie.depths[index] = depth;
    trie.firstTokens[index] = written;
    for (const token of node.tokens) trie.tokens[written++] = token;
    node.children.forEach((child, childByte) => {
      if (child) add(child, childByte, depth + 1);
    });
    trie.ends[index] = next;
  };
  // By first byte, and no token has so many bytes that this were too deep.
  next = 1;
  for (const [byte, child] of root.children.entries()) {
    if (!child) continue;
    add(child, byte, 1);
    yield;
  }
  trie.ends[0] = nodes;
  trie.firstTokens[nodes] = written;
  return trie;
}

/** The child of a node by its byte; 0 where there is none. */
export function childOf({ bytes, ends }: TokenTrie, node: number, byte: number): number {
  const end = ends[node] as number;
  for (let child = node + 1; child < end; child = ends[child] as number)
    if (bytes[child] === byte) return child;
  return 0;
}

export function hasTokens({ firstTokens }: TokenTrie, node: number): boolean {
  return (firstTokens[node] as number) < (firstTokens[node + 1] as number);
}
