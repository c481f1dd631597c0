import * as z from "zod";
import { toApiError } from "../domain/errors.ts";
import type { Readiness } from "../registry/readiness.ts";

/** TensorFlow Serving's status of a version: `protocols/kserve` and, for `GET /v1/models/{model}`, `protocols/openai` have it. */
export const versionStatusSchema = z.strictObject({
  version: z.string(),
  state: z
    .enum(["AVAILABLE", "LOADING", "START", "END"])
    .describe("AVAILABLE: it can be requested; START: not loaded; END: it cannot be loaded."),
  status: z.strictObject({
    error_code: z.enum(["OK", "UNAVAILABLE", "UNKNOWN"]),
    error_message: z.string(),
  }),
});

export const modelVersionStatusSchema = z
  .strictObject({ model_version_status: z.array(versionStatusSchema) })
  .describe("TensorFlow Serving's GetModelStatusResponse.");

const STATES = { ready: "AVAILABLE", loading: "LOADING", absent: "START", failed: "END" } as const;

export function toVersionStatus(
  version: string,
  current: Readiness,
): z.output<typeof versionStatusSchema> {
  const { state } = current;
  const error = "error" in current ? toApiError(current.error) : undefined;
  return {
    version,
    state: STATES[state],
    status: error
      ? { error_code: state === "failed" ? "UNKNOWN" : "UNAVAILABLE", error_message: error.message }
      : { error_code: "OK", error_message: "" },
  };
}
