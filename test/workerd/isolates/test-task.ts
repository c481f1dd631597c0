import { z } from "zod";
import type { Call } from "../../../src/domain/call.ts";
import { ApiError } from "../../../src/domain/errors.ts";
import { Media } from "../../../src/domain/media.ts";
import type { TaskResult } from "../../../src/domain/task.ts";
import { TokenIds } from "../../../src/domain/token-ids.ts";
import { toHex } from "../../../src/shared/hex.ts";
import { fromRawJson, isJsonNumber } from "../../../src/shared/json-number.ts";
import { sha256 } from "../../../src/shared/sha256.ts";
import { createTask } from "../../../src/tasks/registry.ts";
import type { ModelSet, Task } from "../../../src/tasks/task.ts";
import { type CacheRuns, floats, runWithCache, toNumbers } from "../../support/cache-runs.ts";

/** Models whose names begin so have the test task; all others have their own. */
export const TEST_TASK = "test-task";

/**
 * What the test task does, by its parameter `do`:
 *
 * - `count`: a stream of the parts 1 to `inputs`, as the parameter `mode` says;
 * - `run`: as many runs of the model `y = x + 1` as `inputs` says, each of the result of the run before;
 * - `lease`: {@link runWithCache} of `inputs` by a lease;
 * - `members`: what each of the models that `inputs` names makes of 1, by a run and by a lease; `null` is the main one;
 * - `echo`: what the inputs are, with the digests of bytes;
 * - `raw`: numbers that no double holds;
 * - `state`: a {@link TestTaskState} of the isolate in which it is executed;
 * - `step`: allows the next part of a stream that waits.
 */
const PARAMETERS = z.object({
  do: z.enum(["count", "run", "lease", "members", "echo", "raw", "state", "step"]),
  /** Of a count: fast, waiting for a step before each part, without an end, failing after the last part, or with a lease. */
  mode: z.enum(["fast", "stepwise", "endless", "failing", "leased"]).default("fast"),
});
type Mode = z.output<typeof PARAMETERS>["mode"];

export interface TestTaskState {
  /** Parts that were computed. */
  readonly computed: number;
  /** Streams that ended, in whatever way. */
  readonly ended: number;
  /** Streams that wait for a step. */
  readonly waiting: number;
  readonly runs: number;
}

const state = { computed: 0, ended: 0, waiting: 0, runs: 0 };
let steps = 0;

/** More than a client can read before its test ends. */
const MAX_PARTS = 100_000_000;
/** A minute at least, as long as a test may take. */
const MAX_POLLS = 60_000;

/** Creates the tasks of the project, and the test task. */
export const createTestTask: typeof createTask = async (manifest, readFile, tools) =>
  manifest.name.startsWith(TEST_TASK) ? task : createTask(manifest, readFile, tools);

const task: Task = {
  parameters: PARAMETERS,
  async execute({ inputs, parameters }, models, call): Promise<TaskResult> {
    const { do: action, mode } = PARAMETERS.parse(parameters);
    const value = (result: unknown): TaskResult => ({ kind: "value", value: result, form: "one" });
    switch (action) {
      case "count":
        return { kind: "stream", parts: count(Number(inputs), mode, models, call) };
      case "run":
        return value(await run(Number(inputs), models));
      case "lease": {
        using lease = await models.lease(2 ** 20);
        return value(runWithCache(lease, inputs as CacheRuns));
      }
      case "members": {
        const sums: number[][] = [];
        for (const name of inputs as readonly (string | null)[])
          sums.push(await addByMember(models, name ?? undefined));
        return value(sums);
      }
      case "echo":
        return {
          kind: "value",
          value: await describe(inputs),
          form: "list",
          usage: { inputTokens: 7 },
        };
      case "raw":
        return value({ long: fromRawJson("18446744073709551615"), exact: fromRawJson("1.10") });
      case "state":
        return value({ ...state } satisfies TestTaskState);
      case "step":
        steps += 1;
        return value({ ...state } satisfies TestTaskState);
    }
  },
};

async function* count(
  to: number,
  mode: Mode,
  models: ModelSet,
  call: Call,
): AsyncGenerator<{ readonly count: number }> {
  using lease = mode === "leased" ? await models.lease(2 ** 20) : undefined;
  const kept = lease?.allocate("kept", "FP32", [256]);
  try {
    const last = mode === "endless" ? MAX_PARTS : to;
    for (let part = 1; part <= last; part++) {
      if (mode === "stepwise" || mode === "leased") await takeStep(call);
      await call.checkpoint();
      state.computed += 1;
      yield { count: part };
    }
    if (mode === "failing")
      throw new ApiError("inference_failed", "The count has failed.", { details: { to } });
  } finally {
    kept?.dispose();
    state.ended += 1;
  }
}

async function takeStep(call: Call): Promise<void> {
  state.waiting += 1;
  try {
    for (let polls = 0; steps === 0; polls++) {
      if (polls === MAX_POLLS) throw new Error(`no step after ${MAX_POLLS} polls`);
      await scheduler.wait(1);
      await call.checkpoint();
    }
    steps -= 1;
  } finally {
    state.waiting -= 1;
  }
}

async function run(times: number, models: ModelSet): Promise<number> {
  let x = 0;
  for (let index = 0; index < times; index++) {
    const [y] = await models.infer([floats("x", [1], [x])], ["y"]);
    state.runs += 1;
    if (y) [x = 0] = toNumbers(y);
  }
  return x;
}

async function addByMember(models: ModelSet, member: string | undefined): Promise<number[]> {
  const x = floats("x", [1], [1]);
  const ran = await models.infer([x], ["y"], member);
  using lease = await models.lease(1024, member);
  const leased = lease.model.run([{ name: "x", handle: lease.place(x) }], ["y"]);
  return [...ran, ...leased].flatMap(toNumbers);
}

async function describe(value: unknown): Promise<unknown> {
  if (value instanceof Media) return { media: value.type, bytes: await digest(value.bytes) };
  if (value instanceof TokenIds) return { tokens: value.ids };
  if (typeof value === "bigint") return { bigint: String(value) };
  if (isJsonNumber(value)) return { number: value() };
  if (Array.isArray(value)) return Promise.all(value.map(describe));
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(async ([name, field]) => [name, await describe(field)]);
  return Object.fromEntries(await Promise.all(fields));
}

async function digest(bytes: Uint8Array): Promise<string> {
  return toHex(await sha256(bytes));
}
