import { ApiError } from "../../../domain/errors.ts";
import { authorizeAllModels } from "../../../http/authenticate.ts";
import { bodyOf } from "../../../http/receive.ts";
import { recordChange } from "../../../http/record-change.ts";
import { respond } from "../../../http/respond.ts";
import { READ_BODY } from "../../error-groups.ts";
import { parseJson } from "../../json.ts";
import type { Operation } from "../../operation.ts";
import { parseEncryptionRequest } from "../encryption-request.ts";
import { json } from "../schemas.ts";

export const ENCRYPTION_OPERATIONS: readonly Operation[] = [
  {
    id: "encryptObjects",
    kind: "admin",
    method: "post",
    path: "/encryption",
    access: "models:write",
    tag: "Administration",
    summary: "Encrypt the objects of models with the current key",
    description:
      "Encrypts objects that have a key of `ENCRYPTION_KEYS_OLD`, and with `plain` those that are not encrypted. A call goes through 300 objects; while the response has `after`, send it in the next one.",
    parameters: ["content-encoding"],
    body: {
      required: true,
      content: json("EncryptionRequest", {
        oldKeys: { value: {} },
        all: { value: { plain: true } },
      }),
    },
    audit: { request: ["plain", "after"] },
    responses: {
      200: { description: "What was encrypted.", content: json("EncryptionProgress") },
    },
    errors: [...READ_BODY, "empty_body", "not_supported", "model_corrupt", "storage_failed"],
    handler:
      ({ encryption }) =>
      async (c) => {
        authorizeAllModels(c);
        const request = parseEncryptionRequest(parseJson(bodyOf(c)));
        if (!encryption)
          throw new ApiError(
            "not_supported",
            "The bucket is not encrypted: the secret ENCRYPTION_KEY is not set.",
          );
        const progress = await encryption.encrypt(request);
        recordChange(c, { after: { ...progress } });
        return respond(c, JSON.stringify(progress));
      },
  },
];
