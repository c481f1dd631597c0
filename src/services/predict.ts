import type { Ticket } from "../domain/admission.ts";
import type { CacheControl } from "../domain/cache-control.ts";
import { ApiError } from "../domain/errors.ts";
import type { RequestTrace } from "../domain/event.ts";
import { type Manifest, modelDigest } from "../domain/manifest.ts";
import type { ModelRuntime, ModelStore, WaitUntil } from "../domain/ports.ts";
import { quote } from "../domain/quote.ts";
import { checkInputs, describeSpecs } from "../domain/shape.ts";
import type { Tensor } from "../domain/tensor.ts";
import type { PublishedModel } from "./catalog.ts";
import { checkDeclaration, toModelSource, type WarmUp } from "./model-source.ts";

export interface PredictRequest {
  readonly published: PublishedModel;
  readonly inputs: readonly Tensor[];
  /** Names of the outputs wanted, in their order; all of them when left out. */
  readonly outputs?: readonly string[] | undefined;
}

/** What a service needs of the request that it works for. */
export interface RequestContext {
  readonly trace: RequestTrace;
  readonly ticket: Ticket;
  readonly waitUntil: WaitUntil;
  /** What the request wants of the cache. */
  readonly control: CacheControl;
  /** Who asks: an identifier made of the API key, or "anonymous". */
  readonly client: () => Promise<string>;
}

/**
 * The one way to a prediction, whatever the protocol.
 * @throws ApiError for inputs or output names that the model does not have, for failed loads and
 *   runs, and for a deadline that has passed
 */
export type Predict = (request: PredictRequest, context: RequestContext) => Promise<Tensor[]>;

export function createPredict(store: ModelStore, runtime: ModelRuntime, warmUp: WarmUp): Predict {
  /** Another manifest may name a model that is loaded already, and describe it wrongly. */
  const checked = new WeakSet<Manifest>();
  return async ({ published, inputs, outputs }, { trace, ticket, waitUntil }) => {
    const { manifest } = published;
    checkInputs(manifest.inputs, inputs);
    const names = outputs ?? manifest.outputs.map(({ name }) => name);
    for (const name of names) {
      if (!manifest.outputs.some((spec) => spec.name === name))
        throw new ApiError(
          "unknown_output",
          `The model has no output ${quote(name)}: it gives ${describeSpecs(manifest.outputs)}.`,
        );
    }
    trace.digest = modelDigest(manifest);
    const endLoad = trace.start("load");
    try {
      const source = toModelSource(store, published, warmUp);
      return await runtime.use(source, waitUntil, (model, coldStart) => {
        endLoad();
        trace.temperature = coldStart ? "cold" : "warm";
        ticket.checkDeadline();
        if (!checked.has(manifest)) checkDeclaration(manifest, model);
        checked.add(manifest);
        return trace.measure("infer", () => model.run(inputs, names));
      });
    } finally {
      endLoad();
    }
  };
}
