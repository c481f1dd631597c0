import { readSample } from "../bench/sample.ts";
import { assertSameTensors, type InferResponse } from "../bench/tensor-json.ts";
import type { Connection } from "./http/connection.ts";
import { post } from "./http/request.ts";

/** Models whose fixtures have the outputs of another engine, each of another kind and cheap to run. */
const MODELS = [
  "iris-logistic",
  "wine-decision-tree",
  "digits-cnn",
  "language-identification",
  "breast-cancer-svm",
];
const QUESTIONS = MODELS.map((model) => {
  const { inputs, outputs, tolerance } = readSample(model);
  const request = post(
    `/v2/models/${model}/infer`,
    "application/json",
    JSON.stringify({ inputs }),
    [["cache-control", "no-store"]],
  );
  return { model, request, outputs, tolerance };
});

/**
 * Asks for predictions that another engine has computed, and for the health of the server.
 * @param turn decides on the model
 * @returns what is wrong, or `undefined`
 */
export async function findWrongAnswer(
  connection: Connection,
  turn: number,
): Promise<string | undefined> {
  const question = QUESTIONS[turn % QUESTIONS.length] as (typeof QUESTIONS)[number];
  const { model, request, outputs, tolerance } = question;
  const health = await connection.exchange({
    method: "GET",
    target: "/v2/health/ready",
    headers: [],
  });
  if (health.kind !== "answer") return `the health route: ${health.kind}`;
  if (health.answer.status !== 200) return `the health route responded ${health.answer.status}`;
  const exchange = await connection.exchange(request);
  if (exchange.kind !== "answer") return `${model}: ${exchange.kind}`;
  const { status, body } = exchange.answer;
  if (status === 429) return undefined;
  if (status !== 200) return `${model} responded ${status}: ${body.toString().slice(0, 200)}`;
  const actual = (JSON.parse(body.toString()) as InferResponse).outputs;
  try {
    assertSameTensors(model, actual, outputs, (name) => tolerance[name] ?? 0);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
