import { FINISH_REASONS } from "../../../domain/blocks/postprocess/text-generation.ts";
import { PHASES } from "../../../domain/trace.ts";
import type { CallReport, StreamLine, TimedProgress } from "../wire/protocol.ts";
import type { WireError } from "../wire/wire-error.ts";
import { parseStatistics } from "./parse-statistics.ts";

/**
 * What comes from the isolate of a model is not trusted: an engine that a model has broken may send anything. Its parts
 * are checked as far as this Worker depends on them.
 */

/** A reply that no isolate of this code sends. */
export class InvalidReply extends Error {
  override readonly name = "InvalidReply";
}

export type ParsedReply = { readonly report: CallReport } & (
  | { readonly value: unknown }
  | { readonly error: WireError }
);

const STATES: readonly CallReport["state"][] = ["absent", "loading", "ready", "failed"];

/** @throws InvalidReply */
export function parseReply(reply: unknown): ParsedReply {
  const fields = parseObject(reply);
  const report = parseReport(fields.report);
  if ("error" in fields) return { report, error: fields.error as WireError };
  return { report, value: fields.value };
}

/** @throws InvalidReply */
export function parseLine(line: unknown): StreamLine {
  const fields = parseObject(line);
  if ("part" in fields) return { part: fields.part, generation: parseProgress(fields.generation) };
  const end = parseReport(fields.end);
  return fields.error === undefined ? { end } : { end, error: fields.error as WireError };
}

/** @throws InvalidReply */
export function parseReport(value: unknown): CallReport {
  const { phasesMs, coldStart, generation, state, isFirst, usedBytes, ...work } =
    parseObject(value);
  const phases = parseObject(phasesMs);
  const measured: Partial<CallReport["phasesMs"]> = {};
  for (const phase of PHASES) {
    const duration = phases[phase];
    if (duration !== undefined) Object.assign(measured, { [phase]: parseAmount(duration) });
  }
  const known = STATES.find((each) => each === state);
  if (known === undefined) throw new InvalidReply("the state of the model is none");
  return {
    phasesMs: measured,
    coldStart: typeof coldStart === "boolean" ? coldStart : undefined,
    generation: parseProgress(generation),
    state: known,
    isFirst: isFirst === true,
    usedBytes: parseAmount(usedBytes),
    executions: parseAmount(work.executions),
    queueMs: parseAmount(work.queueMs),
    statistics: parseStatistics(work.statistics),
  };
}

/** @throws InvalidReply */
function parseProgress(value: unknown): TimedProgress | undefined {
  if (value === undefined) return undefined;
  const { progress, elapsedMs } = parseObject(value);
  const { inputTokens, cachedTokens, outputTokens, audioSeconds, ...ending } =
    parseObject(progress);
  const { firstTokenMs, lastTokenMs, finishReason } = ending;
  return {
    progress: {
      inputTokens: parseAmount(inputTokens),
      cachedTokens: parseAmount(cachedTokens),
      outputTokens: parseAmount(outputTokens),
      ...(audioSeconds !== undefined && { audioSeconds: parseAmount(audioSeconds) }),
      firstTokenMs: firstTokenMs === undefined ? undefined : parseAmount(firstTokenMs),
      lastTokenMs: lastTokenMs === undefined ? undefined : parseAmount(lastTokenMs),
      finishReason: FINISH_REASONS.find((each) => each === finishReason),
    },
    elapsedMs: parseAmount(elapsedMs),
  };
}

export function parseObject(value: unknown): Readonly<Record<string, unknown>> {
  // A function would be a stub of one, whose properties are calls.
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new InvalidReply(`a part of the reply is a ${typeof value} instead of an object`);
}

export function parseAmount(value: unknown): number {
  if (typeof value === "number" && value >= 0 && value < Number.MAX_SAFE_INTEGER) return value;
  throw new InvalidReply("an amount is not a number, or too large");
}
