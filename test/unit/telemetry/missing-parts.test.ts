import { expect, test } from "vitest";
import { createMissingPartNotices } from "../../../src/telemetry/missing-parts.ts";

const PARTS = {
  LOADER: {},
  RATE_LIMITER: {},
  KEYS: {},
  METRICS: {},
  ASSETS: {},
  PRIVACY_KEY: new Uint8Array(32),
};

test("a deployment that lacks nothing has no notices", () => {
  expect(createMissingPartNotices(PARTS)).toEqual([]);
});

test.each(["LOADER", "RATE_LIMITER", "KEYS", "METRICS", "ASSETS", "PRIVACY_KEY"] as const)(
  "a deployment without %s has one notice, which names it and a document",
  (name) => {
    const notices = createMissingPartNotices({ ...PARTS, [name]: undefined });
    expect(notices).toEqual([
      expect.objectContaining({
        event: "notice",
        message: expect.stringMatching(new RegExp(`\\b${name}\\b.*docs/[a-z]+\\.md`)),
      }),
    ]);
  },
);
