import { ApiError } from "../../domain/errors.ts";
import type { ExportConfig } from "../../domain/export-config.ts";
import { formatModelId, type ModelId } from "../../domain/model-id.ts";
import { describeSpecs } from "../../domain/shape.ts";
import type { TaskKind } from "../../domain/task-kinds.ts";
import type { Tensor, TensorSpec } from "../../domain/tensor.ts";
import type { ExportedModel, ExportedTask } from "../exports/export-types.ts";

/** Runs the model once, all outputs of which are returned. */
export type Probe = (inputs: readonly Tensor[]) => Promise<readonly Tensor[]>;

/** What a task is proposed from. */
export interface ProposalInput {
  readonly id: ModelId;
  readonly model: ExportedModel;
  /** The sent files of configuration. */
  readonly config: ExportConfig;
  /** Those that are asked for, in a file or in the graph of the model. */
  readonly labels: readonly string[] | undefined;
  readonly context: number | undefined;
  readonly probe: Probe;
  /** How many n-grams the sent vocabulary.json has; `undefined` where none was sent. */
  readonly vocabularySize: () => Promise<number | undefined>;
}

/** @throws ApiError `invalid_model` that says what to send, where nothing can be proposed */
export type ProposeTask = (task: TaskKind, input: ProposalInput) => Promise<ExportedTask>;

/** The refusal of a task that the model does not say enough of. */
export function cannotPropose(
  { id, model }: Pick<ProposalInput, "id" | "model">,
  task: TaskKind,
  why: string,
  send: string,
): ApiError {
  const { inputs, outputs } = model;
  return new ApiError(
    "invalid_model",
    `The task ${task} cannot be proposed for ${formatModelId(id)}: ${why}. ${send} The model has the inputs ${describeSpecs(inputs)} and the outputs ${describeSpecs(outputs)}.`,
    {
      details: {
        task,
        inputs: inputs.map(({ name }) => name),
        outputs: outputs.map(({ name }) => name),
      },
    },
  );
}

/** What helps where a block has to be written by hand. */
export const SEND_BLOCKS =
  'Send a manifest with preprocess and postprocess (docs/tasks.md): {"manifest": {"task": ..., "preprocess": {...}, "postprocess": {...}}}.';

/** The one input that requests must have. */
export function onlyInput(task: TaskKind, input: ProposalInput): TensorSpec {
  const [only, second] = input.model.inputs.filter(({ optional }) => !optional);
  if (only && !second) return only;
  throw cannotPropose(
    input,
    task,
    only ? "it has several inputs, and the task reads one" : "it has no input",
    only ? `Export it with one input of shape [rows, columns]. Or: ${SEND_BLOCKS}` : SEND_BLOCKS,
  );
}

const FLOATS: readonly string[] = ["FP32", "FP64", "FP16"];

export function isFloat({ datatype }: TensorSpec): boolean {
  return FLOATS.includes(datatype);
}

/**
 * The output that a block reads: the only one that fits, else the first of those whose name says so.
 * @throws ApiError `invalid_model` where none fits, or several do
 */
export function chooseOutput(
  task: TaskKind,
  input: ProposalInput,
  {
    fits,
    names,
    needed,
  }: {
    readonly fits: (spec: TensorSpec) => boolean;
    /** Of outputs that are meant, the most likely one first. */
    readonly names: RegExp;
    /** For the message: "scores of shape [batch, classes]". */
    readonly needed: string;
  },
): TensorSpec {
  const candidates = input.model.outputs.filter(fits);
  const [only, second] = candidates;
  if (only && !second) return only;
  const named = candidates.filter(({ name }) => names.test(name));
  const [chosen, another] = named;
  if (chosen && !another) return chosen;
  throw cannotPropose(
    input,
    task,
    only
      ? `its outputs ${candidates.map(({ name }) => `"${name}"`).join(", ")} may all be the ${needed}`
      : `it has no output with ${needed}`,
    SEND_BLOCKS,
  );
}
