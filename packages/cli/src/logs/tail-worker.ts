import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { CliError, usageError } from "../cli-error.ts";
import type { CommandContext } from "../context.ts";

/**
 * Prints the events that a deployed Worker logs, through `wrangler tail`.
 * @param worker its name; that of the configuration in this folder when left out
 */
export async function tailWorker(
  { signal, output }: CommandContext,
  worker: string | undefined,
  print: (event: Record<string, unknown>) => void,
): Promise<void> {
  const args = ["wrangler", "tail", ...(worker === undefined ? [] : [worker]), "--format", "json"];
  const child = spawn("npx", args, {
    stdio: ["ignore", "pipe", "inherit"],
    shell: process.platform === "win32",
  });
  signal.addEventListener("abort", () => child.kill("SIGINT"), { once: true });
  output.note("connecting through wrangler tail; Ctrl-C ends it");
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  ended.catch(() => undefined);
  for await (const message of jsonDocuments(createInterface(child.stdout)))
    for (const event of eventsOf(message)) print(event);
  const code = await ended.catch((error: unknown) => {
    throw usageError(`npx can't be started: ${error}`, "install npm");
  });
  signal.throwIfAborted();
  if (code !== 0)
    throw new CliError("serverFailed", `wrangler tail ended with exit code ${code}`, {
      hint: "npx wrangler whoami says which account it uses",
    });
}

/** Wrangler prints each message as JSON of several lines, or of one where it is not a terminal. */
export async function* jsonDocuments(lines: AsyncIterable<string>): AsyncGenerator<unknown> {
  let text = "";
  for await (const line of lines) {
    text += text === "" ? line : `\n${line}`;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      // Not yet complete; a line that can't begin a document is a remark.
      if (!/^\s*\{/.test(text)) text = "";
      continue;
    }
    text = "";
    yield value;
  }
}

/** What the Worker wrote to its console that is an event. */
export function eventsOf(message: unknown): Record<string, unknown>[] {
  const { logs } = Object(message);
  if (!Array.isArray(logs)) return [];
  return logs.flatMap((log) => {
    const parts: unknown = Object(log).message;
    const [text] = Array.isArray(parts) ? parts : [parts];
    if (typeof text !== "string" || !text.startsWith('{"event":')) return [];
    try {
      return [JSON.parse(text)];
    } catch {
      return [];
    }
  });
}
