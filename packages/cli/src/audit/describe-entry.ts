import type { ListedEntry } from "../../../../src/domain/audit/audit-authority.ts";
import type { AuditEntry } from "../../../../src/domain/audit/audit-entry.ts";
import { toTable } from "../format/table.ts";
import type { Output } from "../output.ts";

const LONGEST_JSON = 160;

/**
 * A line for each change: of its two entries the second one, or the first where there is no other.
 * @param entries newest first, so that the second entry of a change is before the first one
 */
export function describeEntries(output: Output, entries: readonly ListedEntry[]): string {
  const heading = ["SEQ", "TIME", "WHO", "WHAT", "TARGET", "CHANGE"].map((text) =>
    output.style("bold", text),
  );
  return toTable([heading, ...toChanges(entries).map((entry) => toRow(output, entry))]);
}

/** Without the first entries of changes whose second one is there. */
function toChanges(entries: readonly ListedEntry[]): readonly ListedEntry[] {
  const ended = new Set<string>();
  return entries.filter((entry) => {
    if ("damaged" in entry) return true;
    if (entry.phase !== "begun") ended.add(entry.change);
    return entry.phase !== "begun" || !ended.has(entry.change);
  });
}

function toRow(output: Output, entry: ListedEntry): string[] {
  if ("damaged" in entry) {
    const damaged = output.style("red", "damaged: onnxflare audit verify");
    return [String(entry.seq), "", "", damaged, "", ""];
  }
  const { seq, at, by, operation, target = {}, details } = entry;
  const who = details?.actor === undefined ? by : `${details.actor} (${by})`;
  return [
    String(seq),
    at,
    who,
    `${operation}${describePhase(output, entry)}`,
    describeTarget(target),
    describeDetails(entry),
  ];
}

/** `digits@production`, `digits@2 model.onnx` */
function describeTarget({
  model,
  alias,
  version,
  ...others
}: Readonly<Record<string, string>>): string {
  const at = alias ?? version;
  const reference = at === undefined ? model : `${model ?? ""}@${at}`;
  return [reference, ...Object.values(others)].filter((part) => part !== undefined).join(" ");
}

function describePhase(output: Output, { phase, errorCode }: AuditEntry): string {
  if (phase === "done") return "";
  if (phase === "begun") return output.style("yellow", " (end unknown)");
  return output.style("red", ` (failed: ${errorCode})`);
}

function describeDetails({ details = {}, erased, erases }: AuditEntry): string {
  if (erased) return "(erased)";
  if (erases) return `of ${erases.length} entries`;
  const { request, before, after } = details;
  if (before === undefined && after === undefined) return request ? toShortJson(request) : "";
  if (before === undefined) return toShortJson(after);
  return `${toShortJson(before)} -> ${toShortJson(after)}`;
}

function toShortJson(value: unknown): string {
  const text = JSON.stringify(value ?? {});
  return text.length > LONGEST_JSON ? `${text.slice(0, LONGEST_JSON - 3)}...` : text;
}
