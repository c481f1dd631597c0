import type { Call } from "../domain/call.ts";
import { throwIfAborted } from "../domain/call.ts";
import { ApiError } from "../domain/errors.ts";
import { type Manifest, modelDigest } from "../domain/manifest.ts";
import {
  type MemberModel,
  memberDigests,
  memberModel,
  memberNames,
} from "../domain/member-models.ts";
import type { Infer, ModelHost, RunCached } from "../domain/model-host.ts";
import type { LoadedModel, ModelFiles, ModelRuntime, ModelSource } from "../domain/ports.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import { checkInputs, describeSpecs } from "../domain/shape.ts";
import { observeTaskRun } from "../domain/statistics/observe-run.ts";
import { versionState } from "../domain/version-state.ts";
import { openModelFile, readModelFile } from "../registry/model-files.ts";
import { checkDeclaration, toModelSource } from "../registry/model-source.ts";
import { CreatedOnce, type CreationWait } from "../shared/created-once.ts";
import { quote } from "../shared/quote.ts";
import { beforeDeadline } from "../shared/settles-within.ts";
import type { ModelSet, Task } from "../tasks/task.ts";
import { toCacheableRun } from "./cacheable-run.ts";
import { warmUp } from "./warm-up.ts";

/** Creates the task of a manifest; `readFile` reads a file of the version, checked against its digest. */
export type CreateTask = (
  manifest: Manifest,
  readFile: (path: string) => Promise<Uint8Array>,
) => Promise<Task>;

export interface CellHostOptions {
  readonly runtime: ModelRuntime;
  readonly createTask: CreateTask;
  /** How long a call waits for a task that another call began to create, before it begins itself. */
  readonly maxTaskWaitMs?: number;
}

/** Creating a task reads some megabytes; one that takes longer belongs to a request that the platform ended. */
const MAX_TASK_WAIT_MS = 10_000;
/** The longest life of a lease whose call has no deadline. */
const MAX_LEASE_MS = 300_000;
/** A lease outlives the deadline of its call, so that a call which looks at its deadline between runs tells of that. */
const LEASE_AFTER_DEADLINE_MS = 1000;

/**
 * The host whose models run in this isolate.
 * @returns the host by the storage that it reads: hosts of different storages share models and tasks
 */
export function createCellHost({
  runtime,
  createTask,
  maxTaskWaitMs = MAX_TASK_WAIT_MS,
}: CellHostOptions): (files: ModelFiles) => ModelHost {
  /** Models whose declaration was checked: another manifest may wrongly declare a model that is already loaded. */
  const checked = new WeakSet<MemberModel>();
  /** Cached for the lifetime of their manifests. */
  const tasks = new CreatedOnce<Manifest, Task>(maxTaskWaitMs);

  return (files) => {
    const sources = new WeakMap<MemberModel, ModelSource>();

    function taskOf(model: PublishedModel, wait?: CreationWait): Promise<Task> {
      const { manifest } = model;
      const create = (): Promise<Task> =>
        createTask(manifest, (path) => readModelFile(files, model, path));
      return tasks.get(manifest, create, wait);
    }

    function sourceOf(model: PublishedModel, member?: string): ModelSource {
      const declared = memberModel(model.manifest, member);
      const known = sources.get(declared);
      if (known) return known;
      const source = toModelSource(files, model, member, async (loaded, lease) => {
        const task = await taskOf(model).catch(skipUnsupported);
        if (task) await warmUp(task, model, loaded, lease);
      });
      sources.set(declared, source);
      return source;
    }

    /** @throws ApiError `model_corrupt` */
    function checkOnce(model: PublishedModel, member: string | undefined, loaded: LoadedModel) {
      const declared = memberModel(model.manifest, member);
      if (checked.has(declared)) return;
      checkDeclaration(model, member, loaded);
      checked.add(declared);
    }

    const infer: Infer = async ({ model, member, inputs, outputs }, call) => {
      const { manifest } = model;
      const declared = memberModel(manifest, member);
      const { deadline, trace, waitUntil } = call;
      checkInputs(declared.inputs, inputs);
      const names = outputs ?? declared.outputs.map(({ name }) => name);
      checkOutputs(declared, names);
      trace.digest = modelDigest(manifest);
      const endLoad = trace.start("load");
      let isLoaded = false;
      try {
        const running = runtime.use(sourceOf(model, member), waitUntil, (loaded, coldStart) => {
          isLoaded = true;
          endLoad();
          trace.coldStart ||= coldStart;
          // The client has been looked at before; reading the signal costs more than a small model's run.
          if (coldStart) throwIfAborted(call.signal);
          deadline.check();
          checkOnce(model, member, loaded);
          const results = trace.measure("infer", () => loaded.run(inputs, names));
          trace.heapBytes = runtime.usedBytes;
          return results;
        });
        // Of a model that was loaded, the run is over by now; a load that storage delays goes on for others.
        return await (isLoaded ? running : beforeDeadline(running, deadline));
      } finally {
        endLoad();
      }
    };

    /** The models of a task; yields to other calls between two runs. */
    function toModelSet(
      model: PublishedModel,
      runCached: RunCached | undefined,
      call: Call,
    ): ModelSet {
      const { deadline, trace, waitUntil } = call;
      let runs = 0;
      return {
        async infer(inputs, outputs, member) {
          if (runs > 0) await call.checkpoint();
          runs += 1;
          const request = { model, member, inputs, outputs };
          const results = runCached
            ? await runCached(toCacheableRun(infer, request), call)
            : await infer(request, call);
          if (member === undefined) observeTaskRun(trace, model, inputs, results);
          return results;
        },
        async lease(reservedBytes = 0, member) {
          throwIfAborted(call.signal);
          deadline.check();
          trace.digest = modelDigest(model.manifest);
          const lifetimeMs = Math.min(deadline.remainingMs + LEASE_AFTER_DEADLINE_MS, MAX_LEASE_MS);
          const options = { expiresAt: Date.now() + lifetimeMs, reservedBytes };
          const lease = await trace.measureAsync("load", () => {
            const leasing = runtime.lease(sourceOf(model, member), waitUntil, options);
            return beforeDeadline(leasing, deadline).catch((error: unknown) => {
              leasing.then((late) => late.dispose()).catch(() => undefined);
              throw error;
            });
          });
          trace.coldStart ||= lease.coldStart;
          trace.heapBytes = runtime.usedBytes;
          try {
            checkOnce(model, member, lease.model);
          } catch (error) {
            lease.dispose();
            throw error;
          }
          return lease;
        },
      };
    }

    return {
      infer,
      async execute({ model, inputs, parameters, stream, checkOnly, runCached }, call) {
        const task = await call.trace.measureAsync("load", () => taskOf(model, call));
        const request = { inputs, parameters, stream, checkOnly };
        return task.execute(request, toModelSet(model, runCached, call), call);
      },
      async load(model, waitUntil) {
        for (const member of memberNames(model.manifest))
          await runtime.use(sourceOf(model, member), waitUntil, (loaded) =>
            checkOnce(model, member, loaded),
          );
      },
      describe({ id, path, ...file }, waitUntil) {
        const source: ModelSource = {
          id,
          ...file,
          prepack: true,
          heapBytes: undefined,
          open: () => openModelFile(files, id, path),
          prepare: async () => undefined,
        };
        return runtime.use(source, waitUntil, (loaded) => loaded.describe());
      },
      state: async ({ manifest }) => versionState(runtime, memberDigests(manifest)),
      async unload({ manifest }) {
        const wereLoaded = memberDigests(manifest).map((digest) => runtime.unload(digest));
        return wereLoaded.includes(true);
      },
      dropKept: async () => ({ dropped: runtime.dropKept(), unreached: 0 }),
      stats: async () => [runtime.stats()],
    };
  };
}

/** A model whose task cannot run is loaded all the same, for its tensors. */
function skipUnsupported(error: unknown): undefined {
  if (error instanceof ApiError && error.code === "task_not_supported") return undefined;
  throw error;
}

function checkOutputs({ outputs }: MemberModel, names: readonly string[]): void {
  for (const name of names) {
    if (outputs.some((spec) => spec.name === name)) continue;
    throw new ApiError(
      "unknown_output",
      `The model has no output ${quote(name)}: its outputs are ${describeSpecs(outputs)}.`,
    );
  }
}
