import type { StoredKey } from "../../../../src/domain/access/stored-key.ts";
import { toTable } from "../format/table.ts";
import type { Output } from "../output.ts";

/** A key as `/admin/keys` responds with it. */
export interface KeyView extends StoredKey {
  /** How the key begins. */
  readonly prefix: string;
}

export interface CreatedKeyView extends KeyView {
  /** The whole key, which is told once. */
  readonly key: string;
}

const STATE_STYLES = {
  active: "green",
  disabled: "yellow",
  expired: "yellow",
  revoked: "red",
} as const;

/** One line for each key. */
export function describeKeys(output: Output, keys: readonly KeyView[]): string {
  const heading = ["ID", "STATE", "NAME", "SCOPES", "MODELS", "TODAY", "EXPIRES", "OWNER"];
  const rows = keys.map((key) => [
    key.id,
    output.style(STATE_STYLES[key.state], key.state),
    key.name,
    key.scopes.join(","),
    key.models?.join(",") ?? "*",
    describeUsage(key),
    key.expiresAt ?? "never",
    key.owner ?? "",
  ]);
  return toTable([heading.map((text) => output.style("bold", text)), ...rows]);
}

/** A field a line. */
export function describeKey(output: Output, key: KeyView): string {
  const { limits = {}, rate = {}, quota = {}, usage = {} } = key;
  const counts = Object.entries({ ...rate, ...quota, ...limits });
  const rows: (readonly [string, string | undefined])[] = [
    ["id", key.id],
    ["state", output.style(STATE_STYLES[key.state], key.state)],
    ["name", key.name],
    ["scopes", key.scopes.join(", ")],
    ["models", key.models?.join(", ") ?? "all"],
    ["concurrency", key.concurrency?.toString()],
    ...counts.map(([name, count]) => [name, describeCount(count, findUsage(usage, name))] as const),
    ["expires", key.expiresAt ?? "never"],
    ["owner", key.owner],
    ["notes", key.notes],
    ["created", `${key.createdAt} by ${key.createdBy}`],
    ["rotated", key.rotatedAt],
    ["secret before", key.overlapEndsAt && `accepted until ${key.overlapEndsAt}`],
    ["revoked", key.revokedAt],
  ];
  return toTable(rows.flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])));
}

/** What is used of the quotas: `120/1000 requestsPerDay`. */
function describeUsage({ quota = {}, usage = {} }: KeyView): string {
  return Object.entries(quota)
    .map(([name, count]) => `${findUsage(usage, name) ?? 0}/${count} ${name}`)
    .join(", ");
}

function findUsage(usage: object, name: string): number | undefined {
  return (usage as Record<string, number | undefined>)[name];
}

function describeCount(count: number | undefined, used: number | undefined): string | undefined {
  return used === undefined ? count?.toString() : `${used} of ${count} used`;
}
