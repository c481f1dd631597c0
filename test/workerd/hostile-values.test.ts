import { afterAll, beforeAll, expect, test } from "vitest";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../support/administration.ts";

/** Requests of every operation with a JSON body, each of whose fields is replaced by values that no client should send. */

const MODELS = [
  "iris-logistic",
  "penguins-gradient-boosting",
  "digits-cnn",
  "spam-detection",
  "sentence-embeddings",
];

/** JSON texts. */
const HOSTILE: readonly string[] = [
  "null",
  "true",
  "0",
  "-0",
  "-1",
  "1.5",
  "1e400",
  "-1e400",
  "1e-400",
  "12345678901234567890",
  "9".repeat(400),
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00a"',
  '"\\ufeff"',
  '"__proto__"',
  '"constructor"',
  '"1e400"',
  `"${"x".repeat(100_000)}"`,
  "[]",
  "[null]",
  "[[]]",
  "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]",
  `${"[".repeat(60)}${"]".repeat(60)}`,
  "[1e400]",
  "[{}]",
  "{}",
  '{"toString": 1}',
  '{"valueOf": null, "toString": null}',
  '{"__proto__": {"x": 1}}',
  '{"__proto__": null}',
  '{"constructor": {"prototype": {}}}',
  '{"length": 1e9}',
  '{"then": 1}',
  '{"toJSON": "x"}',
];

const FEATURES = { name: "features", datatype: "FP32", shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2] };
const PENGUIN = {
  island: "Torgersen",
  bill_length_mm: 39.1,
  bill_depth_mm: 18.7,
  flipper_length_mm: 181,
  body_mass_g: 3750,
  sex: "male",
};

const REQUESTS: readonly [path: string, body: object][] = [
  [
    "/v2/models/iris-logistic/infer",
    {
      id: "1",
      parameters: { binary_data_output: false, timeout: 1_000_000, priority: 1, sequence_id: 0 },
      inputs: [{ ...FEATURES, parameters: { binary_data_size: null } }],
      outputs: [{ name: "probabilities", parameters: { binary_data: false, classification: 2 } }],
    },
  ],
  ["/v2/repository/index", { ready: true }],
  ["/v2/repository/models/iris-logistic/load", { parameters: { unload_dependents: false } }],
  ["/v2/repository/models/iris-logistic/unload", { parameters: { unload_dependents: false } }],
  [
    "/v1/embeddings",
    { model: "sentence-embeddings", input: ["a text"], encoding_format: "float", user: "u" },
  ],
  ["/v1/models/iris-logistic:predict", { signature_name: null, instances: [[5.1, 3.5, 1.4, 0.2]] }],
  ["/v1/models/iris-logistic:predict", { inputs: { features: [[5.1, 3.5, 1.4, 0.2]] } }],
  ["/models/iris-logistic", { inputs: [5.1, 3.5, 1.4, 0.2], parameters: { top_k: 2 } }],
  ["/models/penguins-gradient-boosting", { inputs: PENGUIN, parameters: { top_k: 1 } }],
  ["/models/penguins-gradient-boosting", { inputs: { data: { island: ["Torgersen"] } } }],
  ["/models/spam-detection", { inputs: ["a text"], parameters: { top_k: 1 } }],
  [
    "/models/sentence-embeddings",
    { inputs: { source_sentence: "a", sentences: ["b"] }, parameters: { truncate: true } },
  ],
  ["/models/sentence-embeddings", { inputs: "a", normalize: true, truncate: true }],
  ["/admin/cache/purge", { model: "iris-logistic", version: "1", client: "c" }],
];

/** The text of a value with one of its parts, or the whole of it, replaced by a mark; for each of its parts. */
function* marked(value: unknown, mark: string): Generator<string> {
  yield mark;
  if (typeof value !== "object" || value === null) return;
  for (const [key, part] of Object.entries(value))
    for (const text of marked(part, mark)) {
      const others = Object.entries(value).map(
        ([name, other]) => [name, name === key ? text : JSON.stringify(other)] as const,
      );
      yield Array.isArray(value)
        ? `[${others.map(([, other]) => other)}]`
        : `{${others.map(([name, other]) => `${JSON.stringify(name)}:${other}`)}}`;
    }
}

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService({ models: MODELS, vars: { EVENT_LOG: "off" } });
});

afterAll(() => service?.dispose());

test.each(REQUESTS)("no JSON value in a request to %s is an internal error", async (path, body) => {
  const send = (text: string) =>
    service.request(path, {
      method: "POST",
      body: text,
      headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" },
    });
  const failures: string[] = [];
  let refused = 0;
  for (const text of marked(body, "\u2603"))
    for (const hostile of HOSTILE) {
      const { status, body: response } = await send(text.replace("\u2603", hostile));
      if (status >= 400 && status < 500) refused += 1;
      if (status >= 500)
        failures.push(
          `${status} for ${hostile.slice(0, 40)} in ${text}: ${JSON.stringify(response)}`,
        );
    }
  expect(failures).toEqual([]);
  expect(refused).toBeGreaterThan(HOSTILE.length / 2);
});
