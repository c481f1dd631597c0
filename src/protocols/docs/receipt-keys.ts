import * as z from "zod";
import { respond } from "../../http/respond.ts";
import { jsonContent } from "../openapi/schema-reference.ts";
import type { Operation } from "../operation.ts";

/** A JSON Web Key Set (RFC 7517) with keys of Ed25519 (RFC 8037). */
export const RECEIPT_SCHEMAS = {
  ReceiptKeys: z.strictObject({
    keys: z.array(
      z.strictObject({
        kty: z.literal("OKP"),
        crv: z.literal("Ed25519"),
        x: z.string(),
        kid: z.string(),
        alg: z.literal("EdDSA"),
        use: z.literal("sig"),
      }),
    ),
  }),
};

const json = jsonContent({ requests: {}, responses: RECEIPT_SCHEMAS });

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
      content: json("ReceiptKeys"),
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
