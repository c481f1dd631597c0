import type { ModelId } from "../../../../src/domain/model-id.ts";
import type {
  KnownProfile,
  ReferenceFeature,
} from "../../../../src/domain/monitoring/reference-profile.ts";
import type { CommandContext } from "../context.ts";
import { toTable } from "../format/table.ts";
import { pathOf } from "../server/server-client.ts";
import { readExampleData } from "./read-example-data.ts";

export function profilePath({ name, version }: ModelId): string {
  return pathOf("admin", "models", name, "versions", version, "profile");
}

/** Makes the reference profile of a version of a file with example data. */
export async function sendProfile(
  { server, output }: CommandContext,
  id: ModelId,
  file: string,
): Promise<KnownProfile> {
  const { contentType, body, note } = readExampleData(file);
  if (note !== undefined) output.note(note);
  return server.json<KnownProfile>({
    method: "PUT",
    path: profilePath(id),
    headers: { "content-type": contentType },
    body,
  });
}

/** A row for each feature. */
export function describeProfile({ digest, profile }: KnownProfile): string {
  const { inputs, outputs, rows, createdAt } = profile;
  const table = toTable([
    ["FEATURE", "KIND", "VALUES", "MISSING", ""],
    ...inputs.map((feature) => toRow(feature, "")),
    ...outputs.map((feature) => toRow(feature, "output ")),
  ]);
  return `${table}\n${rows} rows, made ${createdAt}, ${digest}`;
}

function toRow(feature: ReferenceFeature, side: string): string[] {
  const { name, kind, count, missing } = feature;
  return [`${side}${name}`, kind, String(count), String(missing), summaryOf(feature)];
}

function summaryOf(feature: ReferenceFeature): string {
  if (feature.kind === "category") {
    const { categories, counts } = feature;
    const names = categories.map((name, index) => `${name} ${counts[index] ?? 0}`);
    return names.length <= 6 ? names.join(", ") : `${names.length} categories`;
  }
  const { mean, deviation, min, max } = feature;
  return `mean ${toDigits(mean)}, deviation ${toDigits(deviation)}, ${toDigits(min)} to ${toDigits(max)}`;
}

export function toDigits(value: number): string {
  return String(Number(value.toPrecision(3)));
}
