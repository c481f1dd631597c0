import { CommanderError } from "commander";
import { CliError, explain, usageError } from "./cli-error.ts";
import type { CliCommand } from "./command.ts";
import { COMPLETE, printCompletions } from "./complete.ts";
import type { CommandContext } from "./context.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { hideSecrets } from "./format/hide-secrets.ts";
import { toPrintable, toPrintableJson } from "./format/printable.ts";
import { UserError } from "./local/user-error.ts";
import { createOutput, styleFor } from "./output.ts";
import { createProgram } from "./program.ts";
import { createServerClient } from "./server/server-client.ts";
import { resolveSettings, type SharedOptions } from "./settings.ts";

/**
 * Runs a command line.
 * @param args without the program's name
 * @returns the exit code
 */
export async function run(
  commands: readonly CliCommand[],
  args: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  // The parser itself may fail, before it knows the option.
  const json = args.includes("--json");
  if (args.includes("--no-color")) process.env.NO_COLOR = "1";
  const program = createProgram(commands, (options) => openContext(options, signal), json);
  try {
    if (args[0] === COMPLETE && args[1] === "--") {
      printCompletions(program, args);
      return EXIT_CODES.ok.code;
    }
    await program.parseAsync(args, { from: "user" });
    return EXIT_CODES.ok.code;
  } catch (error) {
    if (error instanceof CommanderError) return toUsageCode(error);
    if (signal.aborted) {
      process.stderr.write("interrupted\n");
      return EXIT_CODES.interrupted.code;
    }
    const known = error instanceof UserError ? usageError(error.message) : error;
    report(known, json);
    return known instanceof CliError ? known.exitCode : EXIT_CODES.failed.code;
  }
}

function openContext(options: SharedOptions, signal: AbortSignal): CommandContext {
  const settings = resolveSettings(options, { env: process.env, folder: process.cwd() });
  const output = createOutput(settings.json);
  // A folder of somebody else may name a server of theirs, which would get the key.
  if (settings.urlFile && settings.isKeyGiven && !settings.isLocal)
    output.note(`using ${settings.url}, which ${settings.urlFile} names`);
  return {
    settings,
    output,
    signal,
    server: createServerClient({
      settings,
      signal,
      onPlainKey: () =>
        output.warn(`the key is sent to ${settings.url} without encryption; use https`),
      onRetry: (error, delayMs) =>
        output.note(`${error.message}; trying again in ${(delayMs / 1000).toFixed(1)} s`),
    }),
  };
}

/** The parser has printed its message, or the help that was asked for. */
function toUsageCode({ exitCode }: CommanderError): number {
  return exitCode === 0 ? EXIT_CODES.ok.code : EXIT_CODES.usage.code;
}

function report(error: unknown, json: boolean): void {
  const { stderr } = process;
  if (!(error instanceof CliError)) {
    const text = String(error instanceof Error ? error.stack : error);
    const unknown = { message: explain(error), stack: text, exitCode: EXIT_CODES.failed.code };
    stderr.write(
      `${json ? toPrintableJson(hideSecrets(JSON.stringify({ error: unknown }))) : toPrintable(hideSecrets(text))}\n`,
    );
    return;
  }
  const { message, code, status, requestId, hint, details, exitCode } = error;
  if (json) {
    const known = { code, status, message, hint, requestId, details, exitCode };
    stderr.write(`${toPrintableJson(hideSecrets(JSON.stringify({ error: known })))}\n`);
    return;
  }
  const lines = [`${styleFor(stderr, "red", "error:")} ${message}`];
  if (code !== undefined) lines.push(`  code ${code}, request id ${requestId ?? "unknown"}`);
  if (hint !== undefined) lines.push(`  ${hint}`);
  stderr.write(`${toPrintable(hideSecrets(lines.join("\n")))}\n`);
}
