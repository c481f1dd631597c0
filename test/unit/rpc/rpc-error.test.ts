import { describe, expect, test } from "vitest";
import { ApiError } from "../../../src/domain/errors.ts";
import { readRpcError, toRpcError } from "../../../src/rpc/rpc-error.ts";
import { createScrubber } from "../../../src/shared/scrub-secrets.ts";

const SECRET = "the-secret-of-the-service";
const scrub = createScrubber([SECRET], { findsCut: false });
const details = { versions: ["1"] };
const fields = {
  code: "version_not_found",
  message: 'Model "a" has no version 2: its versions are 1.',
  status: 404,
  retryable: false,
  details,
};
const error = new ApiError("version_not_found", fields.message, { details, cause: new Error("x") });

describe("the error of a call", () => {
  test("has the fields of the error, and not its cause", () => {
    const rpcError = toRpcError(error, scrub);
    const { message, ...others } = fields;
    expect({ ...rpcError }).toEqual({ ...others, name: fields.code });
    expect(rpcError.message).toBe(message);
    expect(rpcError.cause).toBeUndefined();
    expect(readRpcError(rpcError)).toEqual(fields);
  });

  test("has no secret in its texts", () => {
    const quoting = new ApiError("invalid_input", `"${SECRET}" is not a number.`, {
      details: { received: [SECRET] },
    });
    const rpcError = toRpcError(quoting, scrub);
    expect(rpcError.message).toBe('"[secret]" is not a number.');
    expect(readRpcError(rpcError)?.details).toEqual({ received: ["[secret]"] });
  });

  test("that is unknown is internal, without what it says", () => {
    const rpcError = toRpcError(new TypeError("a secret"), scrub);
    expect(readRpcError(rpcError)).toMatchObject({ code: "internal", status: 500 });
    expect(rpcError.message).not.toContain("secret");
    expect(rpcError.cause).toBeUndefined();
  });

  test.each([
    ["version_not_found: Some: text.\nMore", "Some: text.\nMore"],
    ["Error: version_not_found: Text", "Text"],
  ])("is read from the message %j alone", (text, message) => {
    expect(readRpcError(new Error(text))).toEqual({
      code: "version_not_found",
      message,
      status: 404,
      retryable: false,
    });
  });

  test.each([
    new Error("Network connection lost."),
    new Error("TypeError: x is not a function"),
    new Error("constructor: text"),
    Object.assign(new Error("x"), { code: "ECONNRESET" }),
    { code: "version_not_found" },
    undefined,
  ])("is not read from %s", (thrown) => {
    expect(readRpcError(thrown)).toBeUndefined();
  });
});
