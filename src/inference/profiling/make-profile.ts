import type { Call } from "../../domain/call.ts";
import { type Manifest, modelDigest } from "../../domain/manifest.ts";
import type { Infer, ModelHost } from "../../domain/model-host.ts";
import type { ReferenceProfile } from "../../domain/monitoring/reference-profile.ts";
import type { PublishedModel } from "../../domain/published-model.ts";
import type { TaskRequest, TaskResult } from "../../domain/task.ts";
import type { Tensor } from "../../domain/tensor.ts";
import type { ModelSet, Task } from "../../tasks/task.ts";
import { checkProfiledTask, checkRows, refuseMore, toRequests } from "./example-rows.ts";
import { createPredictionFeatures } from "./prediction-features.ts";
import { createRequestFeatures } from "./request-features.ts";
import { createTensorFeatures, type TensorFeatures } from "./tensor-features.ts";

/** Makes reference profiles of example data, which is run through the version. */
export interface ProfileMaker {
  /**
   * @param request the rows, as the task API takes them: a list of inputs, or a table
   * @throws ApiError `task_not_supported` for a version whose inputs are no rows; `invalid_request` for too few or too many rows; what the task throws for
   *   a row; `deadline_exceeded` when they are not run by the deadline
   */
  make(model: PublishedModel, request: TaskRequest, call: Call): Promise<ReferenceProfile>;
}

export interface ProfileMakerOptions {
  readonly host: Pick<ModelHost, "infer" | "execute">;
  /** The task of a version whose inputs are numbers: it runs here, so that its tensors are seen. */
  readonly createTask: (model: PublishedModel) => Promise<Task>;
  readonly now?: () => number;
}

type Execute = (request: TaskRequest) => Promise<TaskResult>;

export function createProfileMaker({
  host,
  createTask,
  now = Date.now,
}: ProfileMakerOptions): ProfileMaker {
  /** Without the cache, so that nobody's prediction is used or stored. */
  async function toExecute(
    model: PublishedModel,
    tensors: TensorFeatures,
    call: Call,
  ): Promise<Execute> {
    if (!hasColumns(model.manifest)) return (request) => host.execute({ ...request, model }, call);
    const task = await createTask(model);
    let rows = 0;
    const models = toModelSet(model, host.infer, call, (inputs) => {
      rows += inputs[0]?.shape[0] ?? 1;
      // Those of a table are not known before.
      refuseMore(rows);
      tensors.add(inputs);
    });
    return (request) => task.execute(request, models, call);
  }

  return {
    async make(model, request, call) {
      const { manifest, name, version } = model;
      checkProfiledTask(manifest);
      const tensors = createTensorFeatures(manifest);
      const predictions = createPredictionFeatures(manifest);
      const requests = createRequestFeatures(manifest);
      // With a trace of its own: these are no requests of clients.
      const own = call.fork();
      const checkpoint = () => own.checkpoint();
      const execute = await toExecute(model, tensors, own);
      let rows = 0;
      for (const each of toRequests(request)) {
        await own.checkpoint();
        const values = toValues(await execute(each));
        predictions.add(values);
        rows += values.length;
        requests.add(each.inputs);
      }
      checkRows(rows);
      const ofTensors = await tensors.references(checkpoint);
      await checkpoint();
      const ofRequests = requests.references();
      await checkpoint();
      return {
        schemaVersion: 1,
        model: name,
        version,
        modelSha256: modelDigest(manifest),
        rows,
        createdAt: new Date(now()).toISOString(),
        inputs: [...ofTensors, ...ofRequests],
        outputs: predictions.references(),
      };
    },
  };
}

/** Runs the version's models where it is placed, and passes on what is fed to the main one. */
function toModelSet(
  model: PublishedModel,
  infer: Infer,
  call: Call,
  onInputs: (inputs: readonly Tensor[]) => void,
): ModelSet {
  return {
    async infer(inputs, outputs, member) {
      await call.checkpoint();
      if (member === undefined) onInputs(inputs);
      return infer({ model, member, inputs, outputs }, call);
    },
    lease: () => Promise.reject(new Error("a task that leases models has no rows")),
  };
}

function toValues(result: TaskResult): readonly unknown[] {
  if (result.kind !== "value") throw new Error("a task whose result is streamed has no rows");
  return result.form === "one" ? [result.value] : (result.value as readonly unknown[]);
}

/** Of other inputs, such as the tokens of a text, the values say nothing. */
function hasColumns({ preprocess }: Manifest): boolean {
  return preprocess !== undefined && ["tabular", "columns", "array"].includes(preprocess.type);
}
