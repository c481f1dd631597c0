import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { parseDigestField } from "../../../src/http/digest-fields.ts";
import { catchApiError } from "../../support/errors.ts";

/** The digest of `{"hello": "world"}` and a line feed, in RFC 9530, appendix D. */
const EXAMPLE = "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=";
const HEX = createHash("sha256").update('{"hello": "world"}\n').digest("hex");

test.each([
  `sha-256=:${EXAMPLE}:`,
  ` sha-256=:${EXAMPLE}: `,
  `sha-512=:${Buffer.alloc(64).toString("base64")}:, sha-256=:${EXAMPLE}:`,
  `sha-256=:${EXAMPLE}:;note="a, b"`,
])("%s has the digest of the RFC's example", (field) => {
  expect(parseDigestField("repr-digest", field)).toBe(HEX);
});

test("without the field there is no digest", () => {
  expect(parseDigestField("repr-digest", undefined)).toBeUndefined();
});

test.each([
  "",
  "sha-256",
  `sha-256=${EXAMPLE}`,
  `sha-256="${EXAMPLE}"`,
  `SHA-256=:${EXAMPLE}:`,
  "sha-256=:AAAA:",
  `sha-512=:${EXAMPLE}:`,
  `sha-256=:${EXAMPLE}:,`,
  `sha-256=:!${EXAMPLE}:`,
])("%j is refused", (field) => {
  const error = catchApiError("invalid_request", () => parseDigestField("content-digest", field));
  expect(error.message).toContain("The header content-digest must have the SHA-256 in base64");
});
