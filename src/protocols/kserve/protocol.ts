import type { Protocol } from "../protocol.ts";
import { renderKserveError } from "./error.ts";
import { EXPLAIN } from "./operations/explain.ts";
import { MODEL_OPERATIONS } from "./operations/models.ts";
import { PREDICT } from "./operations/predict.ts";
import { toRoutedPath } from "./path.ts";
import { SCHEMAS } from "./schemas.ts";

/**
 * KServe's v1 protocol and TensorFlow Serving's REST API, which share their paths. `GET /v1/models` and
 * `GET /v1/models/{model}` are also OpenAI's, in whose protocol they are: their responses have the fields of all three.
 */
export const KSERVE_PROTOCOL: Protocol = {
  name: "kserve",
  basePath: "/v1/models",
  operations: [PREDICT, EXPLAIN, ...MODEL_OPERATIONS],
  schemas: SCHEMAS,
  toRoutedPath,
  renderError: renderKserveError,
  errors: {
    form: 'KServe and TensorFlow Serving, `{"error": message}`, except for OpenAI\'s operations on models',
    contentType: "application/json",
    schema: "InferenceError",
    narrow: (code) => ({ properties: { code } }),
  },
};
