import { mediaTypesOf } from "../domain/blocks/media-types.ts";
import { Media } from "../domain/media.ts";
import { parseModelReference } from "../domain/model-id.ts";
import type { RoutedModel } from "../domain/published-model.ts";
import type { TaskPart, TaskRequest, TaskResult } from "../domain/task.ts";
import { giveFeedback } from "../protocols/task/give-feedback.ts";
import { streamFormat } from "../protocols/task/stream-format.ts";
import type { OutputTensor, RunResult } from "./api.ts";
import { isFields, read } from "./call-options.ts";
import { MessageSize, toClonable } from "./clonable.ts";
import { cancelFiles, type ReadFile, readFiles, recognizeFiles } from "./read-files.ts";
import {
  type BegunCall,
  RpcCall,
  type RpcContext,
  type RpcOperation,
  type RpcServices,
} from "./rpc-call.ts";
import { toRpcError } from "./rpc-error.ts";
import { readOutputNames, readTensors, toOutputTensor } from "./tensors.ts";
import { ValueReader } from "./value-reader.ts";
import { writeParts } from "./write-parts.ts";

/** The methods of the entrypoint. Their arguments may be anything. */
export interface RpcService {
  predict(argument: unknown, context: RpcContext): Promise<object | string | number>;
  explain(argument: unknown, context: RpcContext): Promise<object>;
  feedback(argument: unknown, context: RpcContext): Promise<object>;
  run(argument: unknown, context: RpcContext): Promise<RunResult>;
  stream(argument: unknown, context: RpcContext): Promise<ReadableStream<Uint8Array>>;
}

const TASK_FIELDS = ["inputs", "parameters"];
const FEEDBACK_FIELDS = ["feedback"];
const RUN_FIELDS = ["inputs", "outputs"];
const ENCODER = new TextEncoder();

/** The argument of a task, with its files in memory. */
interface ReadTask {
  inputs: unknown;
  readonly parameters: Readonly<Record<string, unknown>>;
  files: readonly ReadFile[];
}

export function createRpcService(services: RpcServices): RpcService {
  const { config, infer, runTask, explainer } = services;

  async function serve<T>(
    operation: RpcOperation,
    context: RpcContext,
    work: (rpcCall: RpcCall) => Promise<T>,
  ): Promise<T> {
    const rpcCall = new RpcCall(operation, services, context);
    try {
      const result = await work(rpcCall);
      if (operation !== "stream") rpcCall.end();
      return result;
    } catch (error) {
      rpcCall.end(error);
      throw toRpcError(error, services.scrubReply);
    }
  }

  async function readTask({ trace }: RpcCall, begun: BegunCall): Promise<ReadTask> {
    const { argument, deadline, reservation } = begun;
    const maxBytes = config.maxBodyBytes;
    const reader = new ValueReader({ maxBytes, takesFiles: true });
    const end = trace.start("body");
    try {
      const parameters = read(argument, "parameters", "an object", isFields) ?? {};
      const parametersReader = new ValueReader({ maxBytes, takesFiles: false });
      parametersReader.read(parameters, "parameters");
      const task: ReadTask = { inputs: undefined, parameters, files: [] };
      task.inputs = reader.read(argument.inputs, "inputs", (file) => {
        task.inputs = file;
      });
      const readBytes = reader.sizeBytes + parametersReader.sizeBytes;
      reservation.resize(readBytes);
      const options = { maxBytes, readBytes, reservation, deadline };
      const { files, sizeBytes } = await readFiles(reader.files, options);
      reservation.complete();
      trace.bytesIn = sizeBytes;
      task.files = files;
      return task;
    } catch (error) {
      cancelFiles(reader.files);
      throw error;
    } finally {
      end();
    }
  }

  async function runTaskOf(
    rpcCall: RpcCall,
    argument: unknown,
    stream: boolean,
    run: RpcServices["runTask"] = runTask,
  ): Promise<TaskResult> {
    const begun = rpcCall.begin(argument, TASK_FIELDS);
    const task = await readTask(rpcCall, begun);
    const model = await rpcCall.resolve(begun, () => toBytes([task.inputs, task.parameters]));
    const call = await rpcCall.admit(model, begun);
    return run(
      model,
      rpcCall.trace.measure("parse", () => toTaskRequest(task, model, stream)),
      call,
    );
  }

  async function toMessage({ trace }: RpcCall, result: TaskResult): Promise<unknown> {
    const value = result.kind === "value" ? result.value : await collect(result.parts);
    const size = new MessageSize();
    const clonable = trace.measure("serialize", () => toClonable(value, size));
    trace.bytesOut = size.bytes;
    return clonable;
  }

  return {
    predict: (argument, context) =>
      serve("predict", context, async (rpcCall) => {
        const result = await runTaskOf(rpcCall, argument, false);
        // As no task predicts nothing.
        return (await toMessage(rpcCall, result)) as object | string | number;
      }),

    explain: (argument, context) =>
      serve("explain", context, async (rpcCall) => {
        const result = await runTaskOf(rpcCall, argument, false, explainer.explain);
        return (await toMessage(rpcCall, result)) as object;
      }),

    feedback: (argument, context) =>
      serve("feedback", context, async (rpcCall) => {
        const { trace } = rpcCall;
        const { argument: call, options, reservation } = rpcCall.begin(argument, FEEDBACK_FIELDS);
        const reference = parseModelReference(options.model);
        trace.model = reference.name;
        const reader = new ValueReader({ maxBytes: config.maxBodyBytes, takesFiles: false });
        const given = trace.measure("body", () => reader.read(call.feedback, "feedback"));
        trace.bytesIn = reader.sizeBytes;
        reservation.resize(reader.sizeBytes);
        reservation.complete();
        return giveFeedback(services, reference, given, rpcCall.principal);
      }),

    run: (argument, context) =>
      serve("run", context, async (rpcCall) => {
        const { trace } = rpcCall;
        const begun = rpcCall.begin(argument, RUN_FIELDS);
        const { reservation } = begun;
        const reader = new ValueReader({ maxBytes: config.maxBodyBytes, takesFiles: false });
        const given = trace.measure("body", () => reader.read(begun.argument.inputs, "inputs"));
        trace.bytesIn = reader.sizeBytes;
        reservation.resize(reader.sizeBytes);
        reservation.complete();
        const model = await rpcCall.resolve(begun, () => toBytes(given));
        const call = await rpcCall.admit(model, begun);
        const request = trace.measure("parse", () => ({
          model,
          inputs: readTensors(given, model.manifest.inputs),
          outputs: readOutputNames(begun.argument.outputs),
        }));
        const outputs = await infer(request, call);
        return trace.measure("serialize", () => {
          const size = new MessageSize();
          const entries = outputs.map((tensor): [string, OutputTensor] => {
            const output = toOutputTensor(tensor, size);
            return [tensor.name, output];
          });
          trace.bytesOut = size.bytes;
          return {
            model: model.name,
            version: model.version,
            outputs: Object.fromEntries(entries),
          };
        });
      }),

    stream: (argument, context) =>
      serve("stream", context, async (rpcCall) => {
        const result = await runTaskOf(rpcCall, argument, true);
        const parts = result.kind === "stream" ? result.parts : single(result.value);
        return writeParts(parts, streamFormat(rpcCall.requestId), rpcCall);
      }),
  };
}

function toTaskRequest(task: ReadTask, { manifest }: RoutedModel, stream: boolean): TaskRequest {
  recognizeFiles(task.files, mediaTypesOf(manifest));
  const { inputs, parameters } = task;
  return { inputs, parameters, ...(stream && { stream }) };
}

async function collect(parts: AsyncIterable<TaskPart>): Promise<TaskPart[]> {
  const all: TaskPart[] = [];
  for await (const part of parts) all.push(part);
  return all;
}

async function* single(value: TaskPart): AsyncGenerator<TaskPart> {
  yield value;
}

/** Equal values have equal bytes. */
function toBytes(value: unknown): Uint8Array {
  const text = JSON.stringify(value, (_, each: unknown) => {
    if (typeof each === "bigint") return String(each);
    if (each instanceof Media) return [each.type, each.bytes.toBase64()];
    if (!ArrayBuffer.isView(each)) return each;
    return new Uint8Array(each.buffer, each.byteOffset, each.byteLength).toBase64();
  });
  return ENCODER.encode(text ?? "");
}
