import type { Random } from "../random.ts";
import { hostileKey, hostileValue } from "./hostile-json.ts";
import { hostileText } from "./hostile-text.ts";
import { cloneTree, type JsonNode, listSlots, type Slot } from "./json-tree.ts";

type Mutation = (slot: Slot, random: Random, slots: readonly Slot[]) => void;

/** Changes a tree in one to four places; the given tree is kept as it is. */
export function mutateTree(tree: JsonNode, random: Random): JsonNode {
  let root = cloneTree(tree);
  const times = 1 + random.below(random.chance(0.7) ? 2 : 4);
  for (let done = 0; done < times; done++) {
    const slots = listSlots(root, (node) => {
      root = node;
    });
    const slot = random.pick(slots);
    random.pick(MUTATIONS)(slot, random, slots);
  }
  return root;
}

const MUTATIONS: readonly Mutation[] = [
  replace,
  replace,
  copyFromElsewhere,
  wrap,
  unwrap,
  changeChildren,
  changeChildren,
  changeText,
];

function replace(slot: Slot, random: Random): void {
  slot.replace(hostileValue(random));
}

function copyFromElsewhere(slot: Slot, random: Random, slots: readonly Slot[]): void {
  slot.replace(cloneTree(random.pick(slots).node));
}

function wrap(slot: Slot, random: Random): void {
  let { node } = slot;
  for (let depth = random.pick([1, 1, 2, 16, 17]); depth > 0; depth--)
    node = random.chance(0.7)
      ? { kind: "array", items: [node] }
      : { kind: "object", entries: [{ key: hostileKey(random), value: node }] };
  slot.replace(node);
}

function unwrap({ node, replace }: Slot, random: Random): void {
  const children =
    node.kind === "array"
      ? node.items
      : node.kind === "object"
        ? node.entries.map(({ value }) => value)
        : [];
  if (children.length > 0) replace(random.pick(children));
}

function changeChildren({ node, replace }: Slot, random: Random): void {
  if (node.kind === "text") replace(hostileValue(random));
  else if (node.kind === "array") changeItems(node.items, random);
  else changeEntries(node.entries, random);
}

function changeItems(items: JsonNode[], random: Random): void {
  const at = random.below(items.length + 1);
  const item = items[Math.min(at, items.length - 1)];
  switch (random.below(6)) {
    case 0:
      items.splice(at, 1);
      break;
    case 1:
      items.splice(at, 0, hostileValue(random));
      break;
    case 2:
      if (item) items.splice(at, 0, cloneTree(item));
      break;
    case 3:
      items.reverse();
      break;
    case 4: {
      const copies = random.pick([2, 10, 100]);
      if (item && items.length < 100) for (let done = 0; done < copies; done++) items.push(item);
      break;
    }
    default:
      items.length = random.below(items.length + 1);
  }
}

function changeEntries(entries: { key: string; value: JsonNode }[], random: Random): void {
  const at = random.below(entries.length + 1);
  const entry = entries[Math.min(at, entries.length - 1)];
  switch (random.below(6)) {
    case 0:
      entries.splice(at, 1);
      break;
    case 1:
      entries.splice(at, 0, { key: hostileKey(random), value: hostileValue(random) });
      break;
    case 2:
      // A key twice, with another value.
      if (entry) entries.push({ key: entry.key, value: hostileValue(random) });
      break;
    case 3:
      if (entry) entry.key = hostileKey(random);
      break;
    case 4:
      if (entry)
        entry.key = random.pick([entry.key.toUpperCase(), `${entry.key} `, `${entry.key}s`]);
      break;
    default:
      entries.reverse();
  }
}

function changeText({ node, replace }: Slot, random: Random): void {
  if (node.kind !== "text") replace(hostileValue(random));
  else if (node.text.startsWith('"'))
    replace({ kind: "text", text: changeString(node.text, random) });
  else if (/^-?\d/.test(node.text))
    replace({ kind: "text", text: changeNumber(node.text, random) });
  else replace(hostileValue(random));
}

/** @param text a string with its quotes */
function changeString(text: string, random: Random): string {
  const inner = text.slice(1, -1);
  const at = random.below(inner.length + 1);
  const inserted = random.chance(0.5)
    ? random.pick([
        "\\u0000",
        "\\ud800",
        "\\ufeff",
        "\\n",
        "\\",
        '"',
        "\u0301",
        "\\u0301\\u0323",
        " ",
      ])
    : JSON.stringify(hostileText(random)).slice(1, -1);
  switch (random.below(4)) {
    case 0:
      return `"${inner.slice(0, at)}"`;
    case 1:
      return `"${inner}${inner.length < 1000 ? inner.repeat(random.below(20)) : ""}"`;
    default:
      return `"${inner.slice(0, at)}${inserted}${inner.slice(at)}"`;
  }
}

function changeNumber(text: string, random: Random): string {
  return random.pick([
    `-${text}`,
    `${text}0`,
    `${text}.5`,
    `${text}e5`,
    `${text}e400`,
    `"${text}"`,
    `${Number(text) + 1}`,
    `${Number(text) - 1}`,
    `${text}00000000000000000000`,
  ]);
}
