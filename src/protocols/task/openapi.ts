import { BLOCK_MEDIA_TYPES } from "../../domain/blocks/media-types.ts";
import { PREDICT } from "../openapi/error-groups.ts";
import type { MediaType } from "../openapi/openapi-types.ts";
import { json, type Route, withVersions } from "../openapi/route.ts";

const BYTES: MediaType = { schema: { type: "string", format: "binary" } };

const FORM: MediaType = {
  schema: {
    type: "object",
    required: ["inputs"],
    properties: {
      inputs: {
        type: "array",
        items: { type: "string", format: "binary" },
        description: "Once or several times: files or texts.",
      },
      parameters: { type: "string", description: "A JSON object." },
    },
  },
};

/** The task door. */
export const TASK_ROUTES: readonly Route[] = withVersions({
  method: "post",
  path: "/models/{model}",
  operationId: "predict",
  tag: "Predictions",
  summary: "People's inputs in, people's answers out",
  description:
    "What `inputs` may be, and the answer, follow from the model's task. A body that is not JSON is the input itself; its parameters stand in the query. Answers are cached, and told by `cache-status`.",
  access: "client",
  parameters: ["x-timeout-ms", "cache-control", "if-none-match", "content-encoding"],
  body: {
    required: true,
    content: {
      ...json("TaskRequest", {
        row: { value: { inputs: [5.1, 3.5, 1.4, 0.2] } },
        rows: {
          value: {
            inputs: [
              [5.1, 3.5, 1.4, 0.2],
              [6.7, 3.0, 5.2, 2.3],
            ],
            parameters: { top_k: 1 },
          },
        },
      }),
      ...Object.fromEntries(BLOCK_MEDIA_TYPES.map((type) => [type, BYTES])),
      "multipart/form-data": FORM,
    },
  },
  answers: {
    200: {
      description: "The answer, or a list of answers to a list of items.",
      headers: ["x-model-version", "cache-status", "age", "etag", "content-encoding"],
      content: json("TaskAnswer"),
    },
    304: {
      description: "The client has the answer.",
      headers: ["x-model-version", "cache-status", "age", "etag"],
    },
  },
  errors: [...PREDICT, "task_not_supported"],
});
