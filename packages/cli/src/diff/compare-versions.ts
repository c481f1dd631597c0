import type { Answer, Comparison } from "../../../../src/domain/answer-comparison/comparison.ts";
import { compareAnswers } from "../../../../src/domain/answer-comparison/registry.ts";
import type { TaskKind } from "../../../../src/domain/task-kinds.ts";
import { fromJsonData } from "../../../../src/domain/tensor-json.ts";
import { CliError, usageError } from "../cli-error.ts";
import type { CommandContext } from "../context.ts";
import { createProgress } from "../format/progress.ts";
import type { Input } from "../predict/read-input.ts";
import { toPrediction } from "../predict/request.ts";
import { pathOf } from "../server/server-client.ts";
import type { NamedInput } from "./read-inputs.ts";

export interface NamedComparison extends Comparison {
  readonly input: string;
}

export interface DiffReport {
  readonly model: string;
  readonly versions: readonly string[];
  readonly same: number;
  readonly comparisons: readonly NamedComparison[];
}

interface ManifestView {
  readonly task?: TaskKind;
  readonly example?: { readonly inputs: unknown; readonly parameters?: unknown };
}

/** Runs both versions on each input, and compares their answers as those of a shadow are. */
export async function compareVersions(
  context: CommandContext,
  model: string,
  versions: readonly [string, string],
  given: readonly NamedInput[] | undefined,
  parameters: string | undefined,
): Promise<DiffReport> {
  const manifests = await Promise.all(
    versions.map((version) => readManifest(context, model, version)),
  );
  const task = manifests[0]?.task;
  const inputs = given ?? exampleOf(model, versions, manifests);
  const comparisons: NamedComparison[] = [];
  const progress = createProgress("comparing", inputs.length, 0, { format: String });
  try {
    for (const { name, input } of inputs) {
      const [first, second] = await Promise.all(
        versions.map((version) => answer(context, { model, at: version }, input, parameters)),
      );
      progress.advance(1);
      if (!first || !second) continue;
      comparisons.push({ input: name, ...compareAnswers(task, first, second) });
    }
  } finally {
    progress.end();
  }
  const same = comparisons.filter((comparison) => comparison.same).length;
  return { model, versions, same, comparisons };
}

async function readManifest(
  { server }: CommandContext,
  model: string,
  version: string,
): Promise<ManifestView> {
  const path = pathOf("admin", "models", model, "versions", version);
  return (await server.json<{ manifest: ManifestView }>({ path })).manifest;
}

function exampleOf(
  model: string,
  versions: readonly string[],
  manifests: readonly ManifestView[],
): NamedInput[] {
  const index = manifests.findIndex(({ example }) => example !== undefined);
  const example = manifests[index]?.example;
  if (!example)
    throw usageError(
      `versions ${versions.join(" and ")} of ${model} have no example`,
      "give an input by --input",
    );
  const { inputs, parameters } = example;
  const value = { inputs, ...(parameters !== undefined && { parameters }) };
  const input: Input = { kind: "json", text: JSON.stringify(value), value };
  return [{ name: `example of version ${versions[index]}`, input }];
}

/** A request that the model refuses is an answer too; one that no server answers is not. */
async function answer(
  { server }: CommandContext,
  reference: { model: string; at: string },
  input: Input,
  parameters: string | undefined,
): Promise<Answer> {
  const request = toPrediction(reference, input, { parameters });
  try {
    const value: unknown = await server.json(request);
    if (request.path.startsWith("/v2/")) return { kind: "tensors", tensors: toTensors(value) };
    return { kind: "value", value, form: formOf(input) };
  } catch (error) {
    const isAnswer = error instanceof CliError && error.reason === "refused" && error.code;
    if (isAnswer) return { kind: "error", code: error.code ?? "" };
    throw error;
  }
}

/** Of inputs whose prediction has another form than that of a text. */
function formOf(input: Input): "comparison" | "ranking" | undefined {
  if (input.kind !== "json") return undefined;
  const { inputs = input.value } = Object(input.value) as { inputs?: unknown };
  if (typeof inputs !== "object" || inputs === null) return undefined;
  return "source_sentence" in inputs ? "comparison" : "query" in inputs ? "ranking" : undefined;
}

function toTensors(response: unknown): ReturnType<typeof fromJsonData>[] {
  const { outputs } = Object(response);
  return (Array.isArray(outputs) ? outputs : []).map(({ name, datatype, shape, data }) =>
    fromJsonData(name, datatype, shape, data),
  );
}
