import { expect, test } from "vitest";
import { chooseCoding } from "../../../src/http/accept-encoding.ts";

/** The rules are those of RFC 9110, section 12.5.3. */

test.each([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate, gzip", "gzip"],
  ["deflate;q=0.9, gzip;q=0.1", "deflate"],
  ["gzip;q=0.5, deflate;q=0.501", "deflate"],
  ["identity, gzip", "gzip"],
  ["identity;q=1, gzip;q=0.5", "identity"],
  ["identity;q=0.5, gzip;q=1.0", "gzip"],
  ["gzip;q=0, *", "deflate"],
  ["*", "gzip"],
  ["*;q=0.1, deflate", "deflate"],
  ["*;q=0, deflate;q=0.001", "deflate"],
  ["br, zstd", "identity"],
  ["br;q=1, gzip;q=0.2", "gzip"],
  ["identity;q=0, deflate", "deflate"],
  ["identity;q=0, *", "gzip"],
  ["*;q=0", "identity"],
  ["GZIP ; Q=0.3", "gzip"],
  ["gzip;q=0.000", "identity"],
  ["", "identity"],
  [undefined, "identity"],
])("a long response to accept-encoding %j has the coding %s", (header, coding) => {
  expect(chooseCoding(header, true)).toBe(coding);
});

test.each([
  ["gzip", "identity"],
  ["*", "identity"],
  ["identity;q=0.1, gzip", "identity"],
  ["identity;q=0, gzip", "gzip"],
  ["gzip;q=0.5, *;q=0", "gzip"],
  ["deflate, identity; q=0", "deflate"],
  [undefined, "identity"],
])("a short response to accept-encoding %j has the coding %s", (header, coding) => {
  expect(chooseCoding(header, false)).toBe(coding);
});
