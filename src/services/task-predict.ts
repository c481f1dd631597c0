import type { PublishedModel } from "./catalog.ts";
import type { Predict, RequestContext } from "./predict.ts";
import type { TaskPipelines } from "./task-pipelines.ts";

export interface TaskAnswer {
  /** To be serialised as JSON. */
  readonly answer: unknown;
  /** Whether it is a list of answers, because a list of items came. */
  readonly batched: boolean;
}

/** A prediction from what people have to what people want, by the version's task. */
export type TaskPredict = (
  published: PublishedModel,
  inputs: unknown,
  parameters: Readonly<Record<string, unknown>>,
  context: RequestContext,
) => Promise<TaskAnswer>;

export function createTaskPredict(pipelines: TaskPipelines, predict: Predict): TaskPredict {
  return async (published, inputs, parameters, context) => {
    const { trace } = context;
    const pipeline = await trace.measureAsync("load", () => pipelines(published));
    pipeline.checkParameters(parameters);
    const { tensors, batched } = trace.measure("decode", () => pipeline.encode(inputs));
    const outputs = [pipeline.output];
    const [result] = await predict({ published, inputs: tensors, outputs }, context);
    if (!result) throw new Error("predict returned no output");
    const answer = trace.measure("encode", () => pipeline.decode(result, batched, parameters));
    return { answer, batched };
  };
}
