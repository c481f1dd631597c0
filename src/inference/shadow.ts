import type { Answer } from "../domain/answer-comparison/comparison.ts";
import type { ShadowSkip } from "../domain/event.ts";
import type { Manifest } from "../domain/manifest.ts";
import type { Infer } from "../domain/model-host.ts";
import type { RoutedModel, ShadowModel } from "../domain/published-model.ts";
import type { TaskRequest, TaskResult, TaskValue } from "../domain/task.ts";
import { answersOf } from "../tasks/answers.ts";
import { readParts, recordParts } from "./recorded-parts.ts";
import type { RunTask } from "./run-task.ts";
import { seedOf } from "./seed-of.ts";
import type { CopyToShadow } from "./shadow-copies.ts";

/** What runs models and tasks. */
export interface Inference {
  readonly infer: Infer;
  readonly runTask: RunTask;
}

export interface ShadowOptions extends Inference {
  /** The same for the copies. */
  readonly copies: Inference;
  readonly copyToShadow: CopyToShadow;
  /** What the parts of one stream may take that are kept until they are compared. */
  readonly maxBytes: number;
  /** From 0 up to 1. */
  readonly random?: () => number;
  readonly now?: () => number;
}

/**
 * Runs models and tasks, and copies a share of what is answered to the shadow of the route. Whatever is asked by whichever protocol,
 * whole or streamed, is copied when its response has ended. What fails has no answer that could be compared, so it is not copied.
 */
export function createShadow(options: ShadowOptions): Inference {
  const { infer, runTask, copies, copyToShadow, maxBytes } = options;
  const { random = Math.random, now = () => performance.now() } = options;

  /** The shadow of a request that is copied. */
  function drawShadow({ shadow }: RoutedModel): ShadowModel | undefined {
    return shadow && random() < shadow.sample ? shadow : undefined;
  }

  return {
    async infer(request, call) {
      const model: RoutedModel = request.model;
      const shadow = drawShadow(model);
      if (!shadow) return infer(request, call);
      const startedAt = now();
      const outputs = await infer(request, call);
      const copy = {
        model,
        shadow,
        inputs: request.inputs,
        answer: { kind: "tensors", tensors: outputs },
        primaryMs: now() - startedAt,
        run: async (version, copied): Promise<Answer> => ({
          kind: "tensors",
          tensors: await copies.infer({ ...request, model: version }, copied),
        }),
      } satisfies Parameters<CopyToShadow>[0];
      copyToShadow(copy, call);
      return outputs;
    },

    async runTask(model: RoutedModel, request, call) {
      const shadow = request.checkOnly ? undefined : drawShadow(model);
      if (!shadow) return runTask(model, request, call);
      const startedAt = now();
      const copy = (answer: Answer, isPartial: boolean, skip?: ShadowSkip): void => {
        const planned = skip ?? toCopy(model.manifest, request, answer);
        const copied = typeof planned === "string" ? request : planned;
        const count = answer.kind === "parts" && isPartial ? answer.parts.length : undefined;
        copyToShadow(
          {
            model,
            shadow,
            inputs: request,
            answer,
            isPartial,
            primaryMs: now() - startedAt,
            skip: typeof planned === "string" ? planned : undefined,
            prompt: promptOf(model.manifest, request),
            run: async (version, copyCall) =>
              toAnswer(await copies.runTask(version, copied, copyCall), maxBytes, count),
          },
          call,
        );
      };
      const result = await runTask(model, request, call);
      if (result.kind === "value") {
        copy(fromValue(result), false);
        return result;
      }
      const parts = recordParts(result.parts, maxBytes, ({ parts: read, isComplete }) => {
        if (!read) copy({ kind: "parts", parts: [] }, !isComplete, "memory");
        // Of a client that left before the first part there is nothing to compare.
        else if (isComplete || read.length > 0) copy({ kind: "parts", parts: read }, !isComplete);
      });
      return { ...result, parts };
    },
  };
}

function fromValue({ value, form }: TaskValue): Answer {
  return { kind: "value", value, form };
}

/** @param count of parts that are compared; all when left out */
async function toAnswer(result: TaskResult, maxBytes: number, count = Number.POSITIVE_INFINITY) {
  if (result.kind === "value") return fromValue(result);
  return { kind: "parts", parts: await readParts(result.parts, count, maxBytes) } as const;
}

/** The request for the shadow, or why there is none. */
function toCopy(
  manifest: Manifest,
  request: TaskRequest,
  answer: Answer,
): TaskRequest | ShadowSkip {
  const { parameters } = request;
  if (manifest.postprocess?.type === "voice-activity" && typeof parameters.state === "string")
    return "state";
  if (answersOf(manifest)?.(request, manifest) !== "drawn") return request;
  const seed = seedOf(answer);
  return seed === undefined ? "drawn" : { ...request, parameters: { ...parameters, seed } };
}

/** With which a text begins that was generated from it. */
function promptOf(
  { postprocess }: Manifest,
  { inputs, parameters }: TaskRequest,
): string | undefined {
  const repeats = postprocess?.type === "text-generation" && parameters.return_full_text !== false;
  return repeats && typeof inputs === "string" ? inputs : undefined;
}
