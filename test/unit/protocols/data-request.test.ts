import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { parseDataRequest } from "../../../src/protocols/admin/data-request.ts";
import { rejectedApiError } from "../../support/errors.ts";

const subjects = { hash: async (id: string) => `hash of ${id}` };
const sha256 = (text: string, bytes: number): string =>
  createHash("sha256")
    .update(text)
    .digest("hex")
    .slice(0, 2 * bytes);

describe("a request for somebody's data", () => {
  test.each([
    ["the id of a key", { key: "0123456789ab" }, "key", "0123456789ab"],
    ["a key as it begins", { key: "of_live_0123456789ab" }, "key", "0123456789ab"],
    ["a key as events name it", { key: "key:0123456789ab" }, "key", "0123456789ab"],
    ["a token as events name it", { key: "token:00ff" }, "key", "token:00ff"],
    ["a Worker as events name it", { key: "worker:tenant 7" }, "key", sha256("\0rpc\0tenant 7", 8)],
    ["a subject", { subject: "user-42" }, "subject", "hash of user-42"],
    ["a request", { requestId: "request-1" }, "request", sha256("request-1", 16)],
    [
      "what is null beside it",
      { requestId: "request-1", key: null },
      "request",
      sha256("request-1", 16),
    ],
  ])("selects by %s", async (_, body, kind, value) => {
    expect(await parseDataRequest(body, subjects)).toEqual({
      selector: { kind, value },
      cursor: undefined,
    });
  });

  test.each([
    ["nothing", {}],
    ["two selectors", { key: "0123456789ab", subject: "user-42" }],
    ["a key that is none", { key: "no key" }],
    ["a Worker without a name", { key: "worker:" }],
    ["a request id that is none", { requestId: "no id" }],
    ["a subject that is none", { subject: "Jane Doe" }],
    ["another type of subject", { subject: 42 }],
    ["an unknown field", { requestId: "request-1", all: true }],
    ["a text", "user-42"],
    ["nothing at all", null],
  ])("with %s is refused", async (_, body) => {
    const { message } = await rejectedApiError("invalid_request", parseDataRequest(body, subjects));
    expect(message).not.toContain("Jane Doe");
  });
});
