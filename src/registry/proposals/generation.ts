import type { TaskKind } from "../../domain/task-kinds.ts";
import type { ExportedTask } from "../exports/export-types.ts";
import { deriveGeneration } from "../exports/generation-export.ts";
import { deriveTextToText } from "../exports/text-to-text-export.ts";
import { cannotPropose, type ProposalInput, type ProposeTask } from "./proposal.ts";

const EXPORT =
  "Send the files of the export of Optimum or transformers.js beside the model: config.json, generation_config.json, tokenizer.json and tokenizer_config.json. Or send a manifest with preprocess and postprocess (docs/tasks.md).";

/** A decoder that generates text, with the configuration of its export. */
export const proposeGeneration: ProposeTask = async (task, input) => {
  requireFiles(task, input);
  const { model, config, context } = input;
  const derived = deriveGeneration(model, config, { context });
  if (derived) return derived;
  throw cannotPropose(
    input,
    task,
    "it is no decoder with the output logits, and inputs past_key_values.* for the keys and values of earlier tokens",
    EXPORT,
  );
};

/** An encoder and a decoder of texts, with the configuration of their export. */
export const proposeTextToText: ProposeTask = async (task, input) => {
  requireFiles(task, input);
  const { model, config, context } = input;
  const derived = deriveTextToText(model, config, { context });
  if (derived) return asTask(task, derived);
  throw cannotPropose(
    input,
    task,
    model.encoder
      ? "its config.json does not say is_encoder_decoder"
      : "its encoder is missing: encoder_model.onnx",
    EXPORT,
  );
};

/** The same blocks, of the task that is asked for: those of summaries and translations differ in the names of results. */
function asTask(task: TaskKind, derived: ExportedTask): ExportedTask {
  if (derived.task === task) return derived;
  const postprocess = { ...derived.postprocess, type: task } as ExportedTask["postprocess"];
  return {
    ...derived,
    task,
    postprocess,
    notes: [...derived.notes, `${task}, as asked; the export suggests ${derived.task}`],
  };
}

function requireFiles(task: TaskKind, input: ProposalInput): void {
  const missing = [
    ...(input.config.config ? [] : ["config.json"]),
    ...(input.config.tokenizer ? [] : ["tokenizer.json"]),
  ];
  if (missing.length > 0)
    throw cannotPropose(input, task, `${missing.join(" and ")} has not been sent`, EXPORT);
}
