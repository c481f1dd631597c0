import { expect, test } from "vitest";
import { resolveVersion } from "../../../../../packages/cli/src/inspect/resolve-version.ts";
import type { ServerClient } from "../../../../../packages/cli/src/server/server-client.ts";
import { splitOf } from "../../../../support/routings.ts";

const VIEW = {
  name: "digits",
  versions: [{ version: "10" }, { version: "9" }],
  routing: { aliases: { canary: { split: splitOf({ 9: 3, 10: 1 }) } } },
};

/** Responds to the request for the model. */
const SERVER: ServerClient = {
  url: "http://127.0.0.1:8787",
  send: () => Promise.reject(new Error("not used")),
  text: () => Promise.reject(new Error("not used")),
  json: <T>() => Promise.resolve(VIEW as T),
};

test.each([
  ["9", "9"],
  ["newest", "10"],
  ["default", "10"],
  ["canary", "9"],
])("digits@%s is version %s", async (at, version) => {
  expect(await resolveVersion(SERVER, "digits", at)).toBe(version);
});

test.each(["production", "constructor"])(
  "an alias %s that does not exist is refused",
  async (at) => {
    await expect(resolveVersion(SERVER, "digits", at)).rejects.toMatchObject({
      reason: "notFound",
      hint: "its aliases are canary",
    });
  },
);
