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
  if (status === 401 || status === 403) {
    yield toRefused("served", status);
    return;
  }
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

/** A server that only answers clients with a key works, as far as can be seen. */
function toRefused(name: string, status: 401 | 403): Check {
  return {
    name,
    status: "warn",
    message:
      status === 401
        ? "not examined: the server asks for a key"
        : "not examined: the key lacks the scope models:read or predict",
    remedy:
      "give another key by ONNXFLARE_KEY; npx onnxflare keys create NAME --scopes predict,models:read makes one",
  };
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
      value: { inputs, ...(parameters !== undefined && { parameters }) },
    });
    if (status === 401 || status === 403) return toRefused(name, status);
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
