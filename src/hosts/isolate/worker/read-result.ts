import type { InputForm, TaskResult, Usage } from "../../../domain/task.ts";
import { MAX_REPLY_BYTES } from "../wire/clone-limits.ts";
import { fromWireValue, type WireValue } from "../wire/wire-value.ts";
import type { IsolateCall } from "./isolate-call.ts";
import { InvalidReply, parseAmount, parseObject } from "./parse-reply.ts";
import { readStream } from "./read-stream.ts";

const FORMS: readonly InputForm[] = ["one", "list", "comparison", "ranking"];

/**
 * The result of a task that the isolate of a model sends.
 * @throws InvalidReply, RangeError, TypeError for what is no result
 */
export async function readResult(result: unknown, isolateCall: IsolateCall): Promise<TaskResult> {
  const wire = parseObject(result);
  if (wire.kind === "stream") {
    if (!(wire.lines instanceof ReadableStream)) throw new InvalidReply("there is no stream");
    return { kind: "stream", parts: readStream(wire.lines, isolateCall) };
  }
  const form = FORMS.find((each) => each === wire.form);
  if (wire.kind !== "value" || form === undefined) throw new InvalidReply("there is no result");
  const value = await fromWireValue(wire.value as WireValue, MAX_REPLY_BYTES);
  return { kind: "value", value, form, usage: parseUsage(wire.usage) };
}

function parseUsage(usage: unknown): Usage | undefined {
  if (usage === undefined) return undefined;
  const { inputTokens, cachedTokens, outputTokens } = parseObject(usage);
  return {
    inputTokens: parseAmount(inputTokens),
    ...(cachedTokens !== undefined && { cachedTokens: parseAmount(cachedTokens) }),
    ...(outputTokens !== undefined && { outputTokens: parseAmount(outputTokens) }),
  };
}
