import type { Ask } from "./ask-server.ts";
import type { Check } from "./check.ts";

/** Of a manifest. */
export interface Example {
  readonly inputs: unknown;
  readonly parameters?: unknown;
}

export type ExampleOf = (name: string) => Example | undefined;

/** Each model that is served, as requests without a version find it; then one prediction. */
export async function* checkServedModels(ask: Ask, exampleOf: ExampleOf): AsyncIterable<Check> {
  const { status, body } = await ask("/v2/models");
  if (status !== 200) {
    const message = `the models can't be listed: status ${status}`;
    yield { name: "served", status: "fail", message, remedy: "see the check of the storage" };
    return;
  }
  const { models = [] } = Object(body) as { models?: readonly string[] };
  const ready: string[] = [];
  for (const model of models) {
    const answer = await ask(`/v2/models/${encodeURIComponent(model)}/ready`);
    if (answer.status === 200) {
      ready.push(model);
      continue;
    }
    const { state, reason = `status ${answer.status}` } = Object(answer.body) as Record<
      string,
      string | undefined
    >;
    yield {
      name: "served",
      status: state === "loading" ? "warn" : "fail",
      message: `${model} is not ready: ${state === "loading" ? "it is being loaded" : reason}`,
      remedy:
        state === "loading"
          ? "run npx onnxflare doctor again"
          : `npx onnxflare inspect ${model}; npx onnxflare alias ${model} default VERSION routes to another version`,
    };
  }
  if (models.length === 0)
    yield {
      name: "served",
      status: "warn",
      message: "the server has no models",
      remedy: "publish one: npx onnxflare push model.onnx --name NAME",
    };
  if (ready.length > 0)
    yield { name: "served", status: "ok", message: `${ready.length} of ${models.length} ready` };
  yield await checkEngine(ask, ready, exampleOf);
}

async function checkEngine(
  ask: Ask,
  ready: readonly string[],
  exampleOf: ExampleOf,
): Promise<Check> {
  const name = "engine";
  for (const model of ready) {
    const example = exampleOf(model);
    if (!example) continue;
    const { inputs, parameters } = example;
    const { status, body, ms } = await ask(`/models/${encodeURIComponent(model)}`, {
      inputs,
      ...(parameters !== undefined && { parameters }),
    });
    if (status === 200) return { name, status: "ok", message: `${model} predicts in ${ms} ms` };
    const { detail = `status ${status}` } = Object(body) as { detail?: string };
    const message = `${model} does not predict: ${detail}`;
    return { name, status: "fail", message, remedy: `npx onnxflare inspect ${model}` };
  }
  if (ready.length > 0)
    return { name, status: "ok", message: "it has loaded the models; none has an example to run" };
  return {
    name,
    status: "warn",
    message: "not tried: no model is ready",
    remedy: "publish one: npx onnxflare push model.onnx --name NAME",
  };
}
