import type { Protocol } from "../protocol.ts";
import { renderInferenceError } from "./error.ts";
import { INFER } from "./operations/infer.ts";
import { MODEL_OPERATIONS } from "./operations/models.ts";
import { REPOSITORY_OPERATIONS } from "./operations/repository.ts";
import { SERVER_OPERATIONS } from "./operations/server.ts";
import { UNSUPPORTED_OPERATIONS } from "./operations/unsupported.ts";
import { SCHEMAS } from "./schemas.ts";

/**
 * The Open Inference Protocol v2 over HTTP (https://github.com/kserve/open-inference-protocol) with Triton's extensions
 * (https://github.com/triton-inference-server/server/tree/main/docs/protocol).
 */
export const OPEN_INFERENCE_PROTOCOL: Protocol = {
  name: "open-inference",
  basePath: "/v2",
  operations: [
    ...SERVER_OPERATIONS,
    ...MODEL_OPERATIONS,
    INFER,
    ...REPOSITORY_OPERATIONS,
    ...UNSUPPORTED_OPERATIONS,
  ],
  schemas: SCHEMAS,
  renderError: renderInferenceError,
  errors: {
    form: "the Open Inference Protocol",
    contentType: "application/json",
    schema: "InferenceError",
    narrow: (code) => ({ properties: { code } }),
  },
};
