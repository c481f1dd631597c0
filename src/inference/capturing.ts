import type { Call } from "../domain/call.ts";
import type { CaptureSettings } from "../domain/capture.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { TaskPart } from "../domain/task.ts";
import { murmur3 } from "../shared/murmur3.ts";
import type { Capture, StoreCapture } from "./captures.ts";
import { recordParts } from "./recorded-parts.ts";
import type { Inference } from "./shadow.ts";

export interface CapturingOptions extends Inference {
  readonly storeCapture: StoreCapture;
  /** Mixed into the choice of requests, so that no client can choose ids that are always or never stored. */
  readonly salt?: string;
}

/** What the parts of one stream may take that are kept until it has ended. */
const MAX_PARTS_BYTES = 4_194_304;
const HASHES = 2 ** 32;
const ENCODER = new TextEncoder();

/**
 * Runs models and tasks, and has a share of what is answered stored where the manifest says so. A request that must not be stored,
 * by `no-store`, is not, nor is one that failed.
 */
export function createCapturing({
  infer,
  runTask,
  storeCapture,
  salt = crypto.randomUUID(),
}: CapturingOptions): Inference {
  /** The same for all runs of a request. */
  function settingsOf({ manifest }: PublishedModel, call: Call): CaptureSettings | undefined {
    const { capture } = manifest;
    if (!capture || call.cache.noStore) return undefined;
    if (capture.sample === 1) return capture;
    const hash = murmur3(ENCODER.encode(salt + call.id));
    return hash / HASHES < capture.sample ? capture : undefined;
  }

  return {
    infer(request, call) {
      const { model, inputs } = request;
      const settings = settingsOf(model, call);
      const answered = infer(request, call);
      if (!settings) return answered;
      return answered.then((outputs) => {
        storeCapture({ model, settings, inputs, outputs }, call);
        return outputs;
      });
    },

    async runTask(model, request, call) {
      const settings = request.checkOnly ? undefined : settingsOf(model, call);
      const result = await runTask(model, request, call);
      if (!settings) return result;
      const { inputs, parameters } = request;
      const capture = { model, settings, inputs: { inputs, parameters } };
      if (result.kind === "value") {
        storeCapture({ ...capture, outputs: result.value }, call);
        return result;
      }
      const store = (parts: readonly TaskPart[] | undefined, isPartial: boolean): void => {
        const whole: Capture = { ...capture, outputs: parts ?? [], isPartial };
        storeCapture(whole, call);
      };
      const parts = recordParts(result.parts, MAX_PARTS_BYTES, ({ parts: read, isComplete }) =>
        store(read, !isComplete || read === undefined),
      );
      return { ...result, parts };
    },
  };
}
