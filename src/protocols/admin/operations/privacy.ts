import type { DataSelector } from "../../../domain/data-selector.ts";
import { ApiError } from "../../../domain/errors.ts";
import { EVENT_SCHEMA_VERSION } from "../../../domain/event.ts";
import { authorizeAllModels } from "../../../http/authenticate.ts";
import { callOf } from "../../../http/call.ts";
import { bodyOf } from "../../../http/receive.ts";
import { recordChange } from "../../../http/record-change.ts";
import { respond } from "../../../http/respond.ts";
import { READ_BODY } from "../../error-groups.ts";
import { parseJson } from "../../json.ts";
import type { Operation } from "../../operation.ts";
import type { Services } from "../../services.ts";
import { parseDataRequest } from "../data-request.ts";
import { json } from "../schemas.ts";

const SUBJECT_EXAMPLE = { subject: { value: { subject: "user-42" } } };

export const PRIVACY_OPERATIONS: readonly Operation[] = [
  {
    id: "createErasure",
    kind: "admin",
    method: "post",
    path: "/erasures",
    access: "admin",
    // The ids of subjects and requests are not kept.
    audit: {},
    tag: "Administration",
    summary: "Erase what is kept of a key, a person or a request",
    description:
      "Goes through every store. An API key is deleted with what belongs to it. A response covers as much as one request may do: with `cursor`, send the same selector with it again. The receipt says what was erased and what is left, and is signed; `/.well-known/erasure-receipts.json` has the key.",
    parameters: ["content-encoding"],
    body: { required: true, content: json("DataRequest", SUBJECT_EXAMPLE) },
    responses: { 200: { description: "What was erased.", content: json("Erasure") } },
    errors: [...READ_BODY, "empty_body", "not_supported"],
    handler:
      ({ privacy, subjects, sink }) =>
      async (c) => {
        authorizeAllModels(c);
        const { erasures } = requirePrivacy(privacy);
        const { selector, cursor } = await parseDataRequest(
          parseJson(bodyOf(c)),
          requirePrivacy(subjects),
        );
        const erasing = erasures.erase(selector, cursor);
        // It is not left half done when the client leaves.
        callOf(c).waitUntil(erasing.catch(() => undefined));
        const { receipt, jws, cursor: next } = await erasing;
        const { id, complete } = receipt;
        recordChange(c, {
          ...toTarget(selector),
          after: { id, selector: selector.kind, complete },
        });
        sink.emit({
          event: "erasure",
          schemaVersion: EVENT_SCHEMA_VERSION,
          time: receipt.startedAt,
          requestId: c.get("requestId"),
          id: receipt.id,
          selector: selector.kind,
          erased: receipt.stores.reduce((sum, { erased }) => sum + erased, 0),
          complete: receipt.complete,
          errorCode: receipt.stores.find(({ problem }) => problem !== undefined)?.problem,
        });
        return respond(c, JSON.stringify({ receipt, jws, cursor: next }));
      },
  },
  {
    id: "createDataExport",
    kind: "admin",
    method: "post",
    path: "/data-exports",
    access: "admin",
    audit: {},
    tag: "Administration",
    summary: "Export what is kept of a key, a person or a request",
    description:
      "The parts of an access request: with `cursor`, send the same selector with it again for the next one.",
    parameters: ["content-encoding"],
    body: { required: true, content: json("DataRequest", SUBJECT_EXAMPLE) },
    responses: { 200: { description: "What is kept, by store.", content: json("DataExport") } },
    errors: [
      ...READ_BODY,
      "empty_body",
      "not_supported",
      "storage_failed",
      "authority_unavailable",
    ],
    handler:
      ({ privacy, subjects }) =>
      async (c) => {
        authorizeAllModels(c);
        const { exports } = requirePrivacy(privacy);
        const { selector, cursor } = await parseDataRequest(
          parseJson(bodyOf(c)),
          requirePrivacy(subjects),
        );
        recordChange(c, { ...toTarget(selector), after: { selector: selector.kind } });
        return respond(c, JSON.stringify(await exports.export(selector, cursor)));
      },
  },
];

function toTarget({ kind, value }: DataSelector): { readonly target?: { readonly key: string } } {
  return kind === "key" ? { target: { key: value } } : {};
}

/** @throws ApiError `not_supported` */
function requirePrivacy<T extends Services["privacy"] | Services["subjects"]>(
  given: T,
): NonNullable<T> {
  if (given) return given;
  throw new ApiError(
    "not_supported",
    "The secret PRIVACY_KEY is not set, so nothing is captured, and nothing can be selected by a subject: docs/privacy.md says how to make one.",
  );
}
