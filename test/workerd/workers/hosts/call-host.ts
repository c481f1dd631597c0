import { createTokenMeter } from "../../../../src/domain/access/token-meter.ts";
import { ANONYMOUS, type Call, createCall } from "../../../../src/domain/call.ts";
import { Deadline } from "../../../../src/domain/deadline.ts";
import { ApiError } from "../../../../src/domain/errors.ts";
import type { ModelHost, RunCached } from "../../../../src/domain/model-host.ts";
import type { PublishedModel } from "../../../../src/domain/published-model.ts";
import type { TaskPart, TaskResult } from "../../../../src/domain/task.ts";
import { toCacheableRun } from "../../../../src/hosts/cacheable-run.ts";
import type { TestTaskState } from "../../isolates/test-task.ts";
import type { HostAnswer, HostCall, TestError } from "./call.ts";
import { fromTestTensor, fromTestValue, toTestTensor } from "./values.ts";

export interface HostUnderTest {
  readonly host: ModelHost;
  readonly runCached: RunCached;
}

const MAX_POLLS = 60_000;

/** Calls a method of a host, and answers with what it returns or throws, and with its trace. */
export async function callHost(
  under: HostUnderTest,
  method: string,
  asked: HostCall,
  model: PublishedModel,
  context: ExecutionContext,
): Promise<HostAnswer> {
  const controller = new AbortController();
  if (asked.isAborted) controller.abort();
  const { timeoutMs } = asked;
  const deadline = new Deadline({
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(asked.isLate && { timeoutMs: 1 }),
  });
  if (asked.isLate) await scheduler.wait(5);
  let reservedTokens = 0;
  const { limits, tokens } = asked;
  const call = createCall({
    ...(limits && { limits }),
    ...(tokens !== undefined && {
      meter: createTokenMeter(async (more) => {
        if (reservedTokens + more > tokens)
          throw new ApiError("quota_exceeded", `${tokens} tokens are not ${reservedTokens + more}`);
        reservedTokens += more;
      }),
    }),
    deadline,
    principal: ANONYMOUS,
    signal: controller.signal,
    waitUntil: (work) => context.waitUntil(work),
  });
  const parts: TaskPart[] = [];
  let answer: Omit<HostAnswer, "trace">;
  try {
    const working = work(under, method, asked, model, call, parts);
    const { abortAfter } = asked;
    if (abortAfter !== undefined) await leaveAfter(abortAfter, under.host, model, controller);
    answer = await working;
  } catch (error) {
    answer = { parts, error: toTestError(error) };
  }
  const { phasesMs, coldStart, digest, isolate, cache } = call.trace;
  if (tokens !== undefined) answer = { ...answer, reservedTokens };
  return { ...answer, trace: { phasesMs, coldStart, digest, isolate, cache } } as HostAnswer;
}

async function work(
  { host, runCached }: HostUnderTest,
  method: string,
  { tensors = [], inputs, parameters = {}, outputs, member, candidate, isCached, take }: HostCall,
  model: PublishedModel,
  call: Call,
  parts: TaskPart[],
): Promise<Omit<HostAnswer, "trace">> {
  switch (method) {
    case "infer": {
      const request = { model, member, inputs: tensors.map(fromTestTensor), outputs };
      const made = isCached
        ? await runCached(toCacheableRun(host.infer, request), call)
        : await host.infer(request, call);
      return { tensors: await Promise.all(made.map(toTestTensor)) };
    }
    case "execute": {
      const request = { model, inputs: fromTestValue(inputs), parameters };
      const cached = isCached ? { runCached } : {};
      return read(await host.execute({ ...request, ...cached }, call), parts, take);
    }
    case "load":
      await host.load(model, call.waitUntil);
      return {};
    case "describe":
      if (!candidate) throw new Error("there is no candidate");
      return { description: await host.describe(candidate, call.waitUntil) };
    case "state": {
      const found = await host.state(model);
      if (found.state !== "failed") return { state: found };
      return { state: { state: "failed", error: toTestError(found.error) } };
    }
    case "unload":
      return { wasLoaded: await host.unload(model) };
    case "stats":
      return { stats: await host.stats() };
    default:
      throw new Error(`a host has no method ${method}`);
  }
}

async function read(
  result: TaskResult,
  parts: TaskPart[],
  take = Number.POSITIVE_INFINITY,
): Promise<Omit<HostAnswer, "trace">> {
  if (result.kind === "value") {
    const { value, form, usage } = result;
    return { json: JSON.stringify(value), form, usage };
  }
  const iterator = result.parts[Symbol.asyncIterator]();
  while (parts.length < take) {
    const { done, value } = await iterator.next();
    if (done) return { parts };
    parts.push(value);
  }
  await iterator.return?.();
  return { parts };
}

/** Closes the client's connection when the test task has done so much since now. */
async function leaveAfter(
  amount: number,
  host: ModelHost,
  model: PublishedModel,
  client: AbortController,
): Promise<void> {
  const done = async (): Promise<number> => {
    const request = { model, inputs: null, parameters: { do: "state" } };
    const result = await host.execute(request, createCall());
    if (result.kind !== "value") throw new Error("the state is a value");
    const { computed, runs } = result.value as TestTaskState;
    return computed + runs;
  };
  const before = await done();
  for (let polls = 0; polls < MAX_POLLS; polls++) {
    if ((await done()) >= before + amount) return client.abort();
    await scheduler.wait(1);
  }
  throw new Error(`the task has not done ${amount} after ${MAX_POLLS} polls`);
}

export function toTestError(error: unknown): TestError {
  if (!(error instanceof ApiError)) return { code: "not an ApiError", message: String(error) };
  const { code, message, details } = error;
  return { code, message, details };
}
