import { type CacheReport, createCacheReport, mergeCacheReports } from "../domain/cache-control.ts";
import type { TaskAnswer, TaskRequest } from "../tasks/task-pipeline.ts";
import type { PublishedModel } from "./catalog.ts";
import type { Predict, RequestContext } from "./predict.ts";
import type { TaskPipelines } from "./task-pipelines.ts";

export interface TaskPrediction extends TaskAnswer {
  readonly parameters: TaskRequest["parameters"];
}

/**
 * A prediction from what people have to what people want, by the version's task.
 * @param parse reads the request, knowing which media types the task takes
 */
export type TaskPredict = (
  published: PublishedModel,
  parse: (mediaTypes: readonly string[]) => TaskRequest | Promise<TaskRequest>,
  context: RequestContext,
) => Promise<TaskPrediction>;

/** So long, or so many runs where the clock stands still, a request works before others have their turn. */
const SLICE_MS = 20;
const SLICE_RUNS = 16;

export function createTaskPredict(
  pipelines: TaskPipelines,
  predict: Predict,
  now: () => number = () => performance.now(),
): TaskPredict {
  return async (published, parse, context) => {
    const { trace, ticket } = context;
    const pipeline = await trace.measureAsync("load", () => pipelines(published));
    const request = await trace.measureAsync("decode", async () => parse(pipeline.mediaTypes));
    /** One for each run. */
    const reports: CacheReport[] = [];
    let sliceStart = now();
    let sliceRuns = 0;
    const { answer, form, tokens } = await pipeline.predict(
      request,
      async (inputs, outputs) => {
        if (sliceRuns >= SLICE_RUNS || (sliceRuns > 0 && now() - sliceStart >= SLICE_MS)) {
          await ticket.yieldTurn();
          sliceStart = now();
          sliceRuns = 0;
        }
        sliceRuns++;
        if (reports.length > 0) trace.cache = createCacheReport();
        reports.push(trace.cache);
        return predict({ published, inputs, outputs }, context);
      },
      trace,
    );
    if (reports.length > 1) trace.cache = mergeCacheReports(reports);
    return { answer, form, tokens, parameters: request.parameters };
  };
}
