import { expect, test } from "vitest";
import { preferredType } from "../../../src/http/accept.ts";

/** The rules are those of RFC 9110, section 12.5.1. */

const OFFERED = ["application/json", "image/svg+xml", "text/html", "image/png"] as const;

test.each([
  [undefined, "application/json"],
  ["", "application/json"],
  ["*/*", "application/json"],
  ["application/*", "application/json"],
  ["image/svg+xml", "image/svg+xml"],
  ["IMAGE/PNG", "image/png"],
  ["image/*", "image/svg+xml"],
  ["image/*, image/svg+xml;q=0.1", "image/png"],
  ["text/html, application/json", "application/json"],
  ["text/html, application/json;q=0.9", "text/html"],
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"],
  ["*/*, image/png", "application/json"],
  ["*/*;q=0.5, image/png", "image/png"],
  ["application/json;q=0, */*;q=0.1", "image/svg+xml"],
  ["text/html;level=1;q=0.4, image/png;q=0.3", "text/html"],
  ["audio/wav", "application/json"],
  ["application/json;q=0", "application/json"],
  [",;q=,/", "application/json"],
])("of an Accept header %j the type %s is preferred", (header, type) => {
  expect(preferredType(header, OFFERED)).toBe(type);
});
