import * as z from "zod";
import type { InputForm } from "../domain/task.ts";
import { outputMismatch } from "./output-errors.ts";
import { parseParameters, pickParameters } from "./parameters.ts";
import type { AnyPostprocessor, Predictions } from "./postprocessor.ts";
import type { AnyPreprocessor, Item, Plan, PreprocessedBatch } from "./preprocessor.ts";
import { splitInputs } from "./split-inputs.ts";
import type { Task } from "./task.ts";

/** A task of a preprocessor, runs of the model, and a postprocessor; each run takes a batch of items. */
export function createBatchTask(
  preprocessor: AnyPreprocessor,
  postprocessor: AnyPostprocessor,
): Task {
  const schema = z.strictObject({
    ...preprocessor.parameters.shape,
    ...postprocessor.parameters.shape,
  });

  return {
    parameters: schema,
    async execute(request, models, call) {
      const { trace } = call;
      const checkpoint = () => call.checkpoint();
      const parameters = parseParameters(schema, request.parameters);
      const ofPreprocessor = pickParameters(preprocessor.parameters, parameters);
      const ofPostprocessor = pickParameters(postprocessor.parameters, parameters);
      const { items, form } = await splitInputs(preprocessor, request.inputs, ofPreprocessor, {
        trace,
        checkpoint,
        limits: call.limits,
      });
      const context = { parameters: ofPreprocessor, trace, checkpoint };
      const plan = preprocessor.plan
        ? await preprocessor.plan(items, context)
        : inOrder(items, preprocessor.maxBatch);
      if (call.meter && plan.tokens !== undefined) await call.meter.reserve(plan.tokens);
      const ofRequest = postprocessor.forRequest?.(form, ofPostprocessor) ?? postprocessor;
      const predictions: unknown[] = new Array(items.length);
      for (const indices of plan.runs) {
        const batch = indices.map((index) => plan.items[index] as Item);
        const preprocessed = preprocessor.toTensors(batch, context);
        const { tensors, metadata = [] }: PreprocessedBatch =
          preprocessed instanceof Promise ? await preprocessed : preprocessed;
        const results = await models.infer(tensors, postprocessor.outputs);
        const ended = trace.start("postprocess");
        try {
          const made = ofRequest.toPredictions(results, metadata, ofPostprocessor, checkpoint);
          const ofBatch: Predictions = made instanceof Promise ? await made : made;
          if (ofBatch.length !== batch.length)
            throw outputMismatch(results[0], `a batch of ${batch.length}, as its inputs have`);
          for (const [at, index] of indices.entries()) predictions[index] = ofBatch[at];
        } finally {
          ended();
        }
      }
      const value = assemble(postprocessor, predictions, form, ofPostprocessor);
      const usage = plan.tokens === undefined ? undefined : { inputTokens: plan.tokens };
      return { kind: "value", value, form, usage };
    },
  };
}

function inOrder(items: readonly Item[], size: number): Plan {
  const indices = items.map((_, index) => index);
  if (items.length <= size) return { items, runs: [indices] };
  const runs = Array.from({ length: Math.ceil(items.length / size) }, (_, run) =>
    indices.slice(run * size, (run + 1) * size),
  );
  return { items, runs };
}

function assemble(
  postprocessor: AnyPostprocessor,
  predictions: Predictions,
  form: InputForm,
  parameters: Readonly<Record<string, unknown>>,
): unknown {
  if (postprocessor.assemble) return postprocessor.assemble(predictions, form, parameters);
  return form === "one" ? predictions[0] : predictions;
}
