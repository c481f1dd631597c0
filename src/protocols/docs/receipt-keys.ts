import { respond } from "../../http/respond.ts";
import type { Operation } from "../operation.ts";

const KEY_SET = {
  type: "object",
  required: ["keys"],
  properties: {
    keys: {
      type: "array",
      items: {
        type: "object",
        required: ["kty", "crv", "x", "kid", "alg", "use"],
        properties: Object.fromEntries(
          ["kty", "crv", "x", "kid", "alg", "use"].map((name) => [name, { type: "string" }]),
        ),
      },
    },
  },
};

/** Whoever has a receipt can verify it, without a key of this deployment. */
export const GET_RECEIPT_KEYS: Operation = {
  id: "getReceiptKeys",
  kind: "metadata",
  method: "get",
  path: "/.well-known/erasure-receipts.json",
  access: "public",
  tag: "Server",
  summary: "Get the public key of erasure receipts",
  description:
    "A JSON Web Key Set (RFC 7517) with the Ed25519 key that signs receipts of erasures; without keys where the deployment erases nothing.",
  responses: {
    200: {
      description: "The key.",
      headers: ["cache-control"],
      content: { "application/json": { schema: KEY_SET } },
    },
  },
  handler:
    ({ privacy }) =>
    async (c) => {
      const keys = privacy ? [await privacy.erasures.receiptKey()] : [];
      c.get("headers")["cache-control"] = "no-cache";
      return respond(c, JSON.stringify({ keys }));
    },
};
