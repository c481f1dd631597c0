import { beforeEach, describe, expect, test, vi } from "vitest";
import { createCall } from "../../../src/domain/call.ts";
import type { InferRequest } from "../../../src/domain/model-host.ts";
import type { PublishedModel, RoutedModel } from "../../../src/domain/published-model.ts";
import type { TaskPart, TaskRequest, TaskResult } from "../../../src/domain/task.ts";
import type { Tensor } from "../../../src/domain/tensor.ts";
import { createShadow } from "../../../src/inference/shadow.ts";
import type { ShadowCopy } from "../../../src/inference/shadow-copies.ts";
import { createManifest } from "../../support/cache-harness.ts";
import { generationManifest } from "../../support/generation-fixtures.ts";

/** Which requests are copied, with which answers. */

const MODEL: PublishedModel = {
  name: "echo",
  version: "1",
  versions: ["2", "1"],
  revision: "r1",
  manifest: createManifest(),
};
const SHADOW = { ...MODEL, version: "2", revision: "r2", sample: 0.5 };
const ROUTED: RoutedModel = { ...MODEL, alias: "production", shadow: SHADOW };
const REQUEST: TaskRequest = { inputs: [1, 2], parameters: { top_k: 1 } };

let copies: ShadowCopy[];
let draw: number;

beforeEach(() => {
  copies = [];
  draw = 0;
});

function toTensor(version: string): Tensor {
  return { name: version, datatype: "BYTES", shape: [1], data: [version] };
}

function create(execute: (model: PublishedModel, request: TaskRequest) => TaskResult) {
  const infer = vi.fn(async ({ model }: InferRequest) => [toTensor(model.version)]);
  const runTask = vi.fn(async (model: PublishedModel, request: TaskRequest) =>
    execute(model, request),
  );
  const ofCopies = {
    infer: vi.fn(async ({ model }: InferRequest) => [toTensor(model.version)]),
    runTask: vi.fn(async (model: PublishedModel, request: TaskRequest) => execute(model, request)),
  };
  const shadowed = createShadow({
    infer,
    runTask,
    copies: ofCopies,
    copyToShadow: (copy) => copies.push(copy),
    maxBytes: 10_000,
    random: () => draw,
  });
  return { ...shadowed, inner: { infer, runTask }, ofCopies };
}

const toVersion = ({ version }: PublishedModel): TaskResult => ({
  kind: "value",
  value: version,
  form: "one",
});

function toStream(parts: readonly TaskPart[]) {
  return (): TaskResult => ({
    kind: "stream",
    parts: (async function* () {
      yield* parts;
    })(),
  });
}

async function readAll(result: TaskResult): Promise<readonly TaskPart[]> {
  if (result.kind !== "stream") throw new Error("the result is no stream");
  return Array.fromAsync(result.parts);
}

describe("a run of tensors", () => {
  const request: InferRequest = { model: ROUTED, inputs: [toTensor("input")], outputs: ["a"] };

  test("is copied with its inputs and outputs, and the copy runs the shadow", async () => {
    const { infer, inner, ofCopies } = create(toVersion);
    const call = createCall();
    expect(await infer(request, call)).toEqual([toTensor("1")]);
    expect(copies).toMatchObject([
      {
        model: ROUTED,
        shadow: SHADOW,
        inputs: request.inputs,
        answer: { kind: "tensors", tensors: [toTensor("1")] },
      },
    ]);
    expect(inner.infer).toHaveBeenCalledTimes(1);
    const copied = createCall();
    expect(await copies[0]?.run(SHADOW, copied)).toEqual({
      kind: "tensors",
      tensors: [toTensor("2")],
    });
    expect(ofCopies.infer).toHaveBeenLastCalledWith({ ...request, model: SHADOW }, copied);
    expect(inner.infer).toHaveBeenCalledTimes(1);
  });

  test("is not copied without a shadow, when the sample leaves it out, and when it fails", async () => {
    const { infer, inner } = create(toVersion);
    await infer({ ...request, model: MODEL }, createCall());
    draw = 0.5;
    await infer(request, createCall());
    draw = 0.49;
    inner.infer.mockRejectedValueOnce(new Error("broken"));
    await expect(infer(request, createCall())).rejects.toThrow("broken");
    expect(copies).toEqual([]);
    await infer(request, createCall());
    expect(copies).toHaveLength(1);
  });
});

describe("a task", () => {
  test("whose result is whole is copied with it", async () => {
    const { runTask } = create(toVersion);
    expect(await runTask(ROUTED, REQUEST, createCall())).toEqual(toVersion(MODEL));
    expect(copies).toMatchObject([
      { inputs: REQUEST, answer: { kind: "value", value: "1", form: "one" }, isPartial: false },
    ]);
    expect(await copies[0]?.run(SHADOW, createCall())).toEqual({
      kind: "value",
      value: "2",
      form: "one",
    });
  });

  test("that is only checked, or fails, is not copied", async () => {
    const { runTask, inner } = create(toVersion);
    await runTask(ROUTED, { ...REQUEST, checkOnly: true }, createCall());
    inner.runTask.mockRejectedValueOnce(new Error("broken"));
    await expect(runTask(ROUTED, REQUEST, createCall())).rejects.toThrow("broken");
    expect(copies).toEqual([]);
  });

  test("whose result is streamed is copied with its parts when they have been read", async () => {
    const parts = [{ index: 1 }, { index: 2 }];
    const { runTask } = create(toStream(parts));
    const result = await runTask(ROUTED, { ...REQUEST, stream: true }, createCall());
    expect(copies).toEqual([]);
    expect(await readAll(result)).toEqual(parts);
    expect(copies).toMatchObject([{ answer: { kind: "parts", parts }, isPartial: false }]);
    expect(await copies[0]?.run(SHADOW, createCall())).toEqual({ kind: "parts", parts });
  });

  test("whose client leaves the stream is copied as far as it was read", async () => {
    const { runTask } = create(toStream([1, 2, 3, 4]));
    const result = await runTask(ROUTED, { ...REQUEST, stream: true }, createCall());
    if (result.kind !== "stream") throw new Error("the result is no stream");
    for await (const part of result.parts) if (part === 2) break;
    expect(copies).toMatchObject([{ answer: { kind: "parts", parts: [1, 2] }, isPartial: true }]);
    expect(await copies[0]?.run(SHADOW, createCall())).toEqual({ kind: "parts", parts: [1, 2] });
    const unread = await runTask(ROUTED, { ...REQUEST, stream: true }, createCall());
    if (unread.kind !== "stream") throw new Error("the result is no stream");
    await unread.parts[Symbol.asyncIterator]().return?.();
    expect(copies).toHaveLength(1);
  });

  test("whose stream takes too much to be kept is not copied", async () => {
    const { runTask } = create(toStream(["x".repeat(9000)]));
    await readAll(await runTask(ROUTED, { ...REQUEST, stream: true }, createCall()));
    expect(copies).toMatchObject([{ skip: "memory", answer: { parts: [] } }]);
  });
});

describe("a text", () => {
  const manifest = generationManifest("growing");
  const model: RoutedModel = { ...MODEL, manifest, shadow: { ...SHADOW, manifest } };
  const sampled = { inputs: "Once", parameters: { do_sample: true } };
  const textWith = (details?: object) => (): TaskResult => ({
    kind: "value",
    value: [{ generated_text: "Once upon", ...(details && { details }) }],
    form: "one",
  });

  test("that was drawn is drawn again with the seed that its answer tells", async () => {
    const { runTask, inner, ofCopies } = create(textWith({ seed: 42, tokens: [] }));
    await runTask(model, sampled, createCall());
    expect(copies).toMatchObject([{ skip: undefined, prompt: "Once" }]);
    await copies[0]?.run(SHADOW, createCall());
    const parameters = { do_sample: true, seed: 42 };
    expect(ofCopies.runTask.mock.lastCall?.[1]).toEqual({ ...sampled, parameters });
    expect(inner.runTask.mock.calls[0]?.[1]).toEqual(sampled);
  });

  test("that was drawn in parts is drawn again with the seed of the last one", async () => {
    const parts = [
      { token: { id: 1 }, details: null },
      { token: { id: 2 }, details: { seed: 7 } },
    ];
    const { runTask, ofCopies } = create(toStream(parts));
    await readAll(await runTask(model, { ...sampled, stream: true }, createCall()));
    await copies[0]?.run(SHADOW, createCall());
    expect(ofCopies.runTask.mock.lastCall?.[1].parameters).toEqual({ do_sample: true, seed: 7 });
  });

  test("that was drawn without telling the seed is not copied", async () => {
    const { runTask } = create(textWith());
    await runTask(model, sampled, createCall());
    expect(copies).toMatchObject([{ skip: "drawn" }]);
  });

  test("that is determined by its request is copied as it is", async () => {
    const { runTask, ofCopies } = create(textWith());
    const request = {
      inputs: "Once",
      parameters: { do_sample: true, seed: 3, return_full_text: false },
    };
    await runTask(model, request, createCall());
    expect(copies).toMatchObject([{ skip: undefined, prompt: undefined }]);
    await copies[0]?.run(SHADOW, createCall());
    expect(ofCopies.runTask.mock.lastCall?.[1]).toEqual(request);
  });
});

test("a piece of a stream of audio with the state of its own version is not copied", async () => {
  const { runTask } = create(toVersion);
  const manifest = {
    ...MODEL.manifest,
    postprocess: {
      type: "voice-activity",
      version: 1,
      probabilities: "p",
      threshold: 0.5,
      minSpeechMs: 250,
      minSilenceMs: 100,
      speechPadMs: 30,
    },
  } as const;
  const model = { ...ROUTED, manifest };
  await runTask(model, { inputs: "", parameters: { stream: true } }, createCall());
  await runTask(model, { inputs: "", parameters: { stream: true, state: "abc" } }, createCall());
  expect(copies.map(({ skip }) => skip)).toEqual([undefined, "state"]);
});
