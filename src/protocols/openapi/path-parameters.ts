import { KEY_ID } from "../../domain/access/api-key.ts";
import { WEBHOOK_NAME } from "../../domain/alerts/webhook.ts";
import { MODEL_REFERENCE, MODEL_VERSION } from "../../domain/model-id.ts";
import { ALIAS_NAME } from "../../domain/routing.ts";
import type { Parameter } from "./openapi-types.ts";

/** Parameters in paths, by their names. */
export const PATH_PARAMETERS = {
  model: {
    name: "model",
    in: "path",
    description:
      "The model's name. Except under /admin, `name@alias` and `name@version` as well; the name alone is the default version.",
    required: true,
    schema: { type: "string", pattern: MODEL_REFERENCE.source },
    example: "iris-logistic",
  },
  key: {
    name: "key",
    in: "path",
    description: "The id of an API key: the 12 characters after `of_live_`.",
    required: true,
    schema: { type: "string", pattern: KEY_ID.source },
    example: "Kq3v0XyWm2Bt",
  },
  version: {
    name: "version",
    in: "path",
    description: "The version's number.",
    required: true,
    schema: { type: "string", pattern: MODEL_VERSION.source },
    example: "1",
  },
  region: {
    name: "region",
    in: "path",
    description: "The name of a region of shared memory.",
    required: true,
    schema: { type: "string" },
    example: "input0",
  },
  file: {
    name: "file",
    in: "path",
    description:
      "The file's path as the model or the manifest names it, relative. Its slashes may be percent-encoded: `weights%2F0.bin` for `weights/0.bin`.",
    required: true,
    schema: { type: "string", minLength: 1, maxLength: 200 },
    example: "model.onnx.data",
  },
  asset: {
    name: "asset",
    in: "path",
    description: "The name of a file that the dashboard loads.",
    required: true,
    schema: { type: "string", minLength: 1, maxLength: 200 },
    example: "dashboard-CVdx_biw.js",
  },
  alias: {
    name: "alias",
    in: "path",
    description:
      "The alias's name; `default` is that of a name without an alias. `newest` is always the newest version, and cannot be set.",
    required: true,
    schema: { type: "string", pattern: ALIAS_NAME.source },
    example: "production",
  },
  webhook: {
    name: "webhook",
    in: "path",
    description: "The name of a webhook.",
    required: true,
    schema: { type: "string", pattern: WEBHOOK_NAME.source },
    example: "operators",
  },
} as const satisfies Record<string, Parameter>;
