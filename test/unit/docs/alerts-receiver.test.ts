import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, expect, test, vi } from "vitest";
import { createTemporaryFolder } from "../../../packages/cli/src/local/temporary-folder.ts";
import { projectPath } from "../../../scripts/project.ts";
import { signatureOf } from "../../support/webhook-receiver.ts";

/** The receiver of docs/alerts.md, as it is written there. */
const TEXT = readFileSync(projectPath("docs", "alerts.md"), "utf8");
const SECRET = `whsec_${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}`;
const BODY = exampleOf("json", '\\{\n  "type"');

type Receive = (body: string, headers: Record<string, string>) => void;
let receive: Receive;

beforeAll(async () => {
  const folder = createTemporaryFolder("receiver");
  symlinkSync(projectPath("node_modules"), join(folder, "node_modules"));
  const file = join(folder, "receiver.mjs");
  writeFileSync(file, exampleOf("js"));
  vi.stubEnv("WEBHOOK_SECRET", SECRET);
  ({ receive } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
    receive: Receive;
  });
});

function exampleOf(language: string, start = ""): string {
  const found = new RegExp(`\`\`\`${language}\n(${start}[^]*?)\`\`\``).exec(TEXT)?.[1];
  if (found === undefined) throw new Error(`docs/alerts.md has no example in ${language}`);
  return found;
}

/** What a delivery of a message has; the signature is by Node's HMAC. */
function headersOf(id: string, secret = SECRET): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const message = { id, timestamp, body: BODY, signatures: [], url: "" };
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatureOf(secret, message),
  };
}

test("the receiver handles a message once, however often it is delivered", () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
  const headers = headersOf("msg_1");
  receive(BODY, headers);
  receive(BODY, headers);
  receive(BODY, headersOf("msg_2"));
  const { summary } = JSON.parse(BODY).data;
  expect(log.mock.calls).toEqual([[summary], [summary]]);
});

test("the receiver refuses a message that somebody else has signed, or changed", () => {
  const other = `whsec_${Buffer.from("another secret of 32 bytes here!").toString("base64")}`;
  expect(() => receive(BODY, headersOf("msg_3", other))).toThrow();
  expect(() => receive(BODY.replace("0.5", "0.6"), headersOf("msg_4"))).toThrow();
});
