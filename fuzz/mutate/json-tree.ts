/**
 * JSON text as a tree that can also be what no JavaScript value can: objects with a key twice, integers of any
 * size, text that is no JSON.
 */
export type JsonNode =
  | { kind: "object"; entries: { key: string; value: JsonNode }[] }
  | { kind: "array"; items: JsonNode[] }
  /** The text of a value, valid or not. */
  | { kind: "text"; text: string };

export function toTree(value: unknown): JsonNode {
  if (Array.isArray(value)) return { kind: "array", items: value.map(toTree) };
  if (typeof value !== "object" || value === null)
    return { kind: "text", text: JSON.stringify(value) ?? "null" };
  const entries = Object.entries(value).map(([key, child]) => ({ key, value: toTree(child) }));
  return { kind: "object", entries };
}

export function cloneTree(node: JsonNode): JsonNode {
  if (node.kind === "array") return { kind: "array", items: node.items.map(cloneTree) };
  if (node.kind === "text") return { ...node };
  const entries = node.entries.map(({ key, value }) => ({ key, value: cloneTree(value) }));
  return { kind: "object", entries };
}

export function toJsonText(node: JsonNode): string {
  const parts: string[] = [];
  write(node, parts);
  return parts.join("");
}

function write(node: JsonNode, parts: string[]): void {
  if (node.kind === "text") {
    parts.push(node.text);
    return;
  }
  const children = node.kind === "array" ? node.items : node.entries;
  parts.push(node.kind === "array" ? "[" : "{");
  for (const [index, child] of children.entries()) {
    if (index > 0) parts.push(",");
    if ("key" in child) {
      parts.push(JSON.stringify(child.key), ":");
      write(child.value, parts);
    } else {
      write(child, parts);
    }
  }
  parts.push(node.kind === "array" ? "]" : "}");
}

/** A place in a tree where a value stands. */
export interface Slot {
  readonly node: JsonNode;
  replace(node: JsonNode): void;
}

/** Enough of them; a tensor has thousands. */
const MAX_SLOTS = 400;

/** The places of a tree, outer ones first. */
export function listSlots(root: JsonNode, setRoot: (node: JsonNode) => void): Slot[] {
  const slots: Slot[] = [{ node: root, replace: setRoot }];
  for (let next = 0; next < slots.length && slots.length < MAX_SLOTS; next++) {
    const node = slots[next]?.node;
    if (node?.kind === "array")
      for (const [index, item] of node.items.slice(0, MAX_SLOTS).entries())
        slots.push({ node: item, replace: (other) => (node.items[index] = other) });
    if (node?.kind === "object")
      for (const entry of node.entries)
        slots.push({ node: entry.value, replace: (other) => (entry.value = other) });
  }
  return slots;
}
