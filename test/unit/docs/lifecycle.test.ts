import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { EXIT_CODES } from "../../../packages/cli/src/exit-codes.ts";
import { createProgram, leavesOf } from "../../../packages/cli/src/program.ts";
import { COMMANDS } from "../../../packages/cli/src/registry.ts";
import { projectPath } from "../../../scripts/project.ts";

/** The tables of docs/lifecycle.md, against the commands and exit codes that they list. */

const page = readFileSync(projectPath("docs", "lifecycle.md"), "utf8");
const program = createProgram(COMMANDS, () => {
  throw new Error("nothing is run");
});

function section(heading: string): string {
  const [, text = ""] = page.split(`\n## ${heading}\n`);
  return text.split("\n## ", 1)[0] ?? "";
}

function rows(heading: string): string[] {
  return section(heading)
    .split("\n")
    .filter((line) => line.startsWith("| `"));
}

/** `keys generate admin`, `push <path>` */
function usageOf(command: Command): string {
  const names: string[] = [];
  for (let each: Command | null = command; each?.parent; each = each.parent)
    names.unshift(each.name());
  const parameters = command.registeredArguments.map((argument) => {
    const name = argument.variadic ? `${argument.name()}...` : argument.name();
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [...names, ...parameters].join(" ");
}

test("the table of commands has each command, in the order of the help", () => {
  const expected = program.commands.flatMap(leavesOf).map((command) => {
    const what = (command.summary() || command.description()).replace(/\.$/, "");
    return `| \`${usageOf(command)}\` | ${what} |`;
  });
  expect(rows("Commands")).toEqual(expected);
});

test("the table of exit codes has each of them", () => {
  const expected = Object.values(EXIT_CODES).map(
    ({ code, description }) => `| \`${code}\` | ${description} |`,
  );
  expect(rows("Exit codes")).toEqual(expected);
});

describe.each(COMMANDS.map((command) => [command.name, command] as const))(
  "%s",
  (name, command) => {
    test("has examples that are its own", () => {
      expect(command.examples.length).toBeGreaterThan(0);
      for (const { command: line } of command.examples) expect(line).toContain(`onnxflare ${name}`);
    });

    test("has a summary of one line", () => {
      expect(command.summary).toMatch(/^[A-Z][^\n]{5,79}[^.\n]$/);
    });
  },
);

test("each example of a command parses", () => {
  const lines = COMMANDS.flatMap((command) => command.examples.map((example) => example.command));
  for (const line of lines) {
    const words = wordsOf(line);
    const from = words.indexOf("onnxflare");
    expect(() => parse(words.slice(from + 1)), line).not.toThrow();
  }
});

/** Parses without running: the hook that makes the context of an action ends it. */
function parse(args: readonly string[]): void {
  const parsed = new Error("parsed");
  const quiet = createProgram(COMMANDS, () => {
    throw parsed;
  });
  silence(quiet);
  try {
    quiet.parse(args, { from: "user" });
  } catch (error) {
    if (error !== parsed) throw error;
  }
}

function silence(command: Command): void {
  command.configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  command.commands.forEach(silence);
}

/** The words of a shell's command up to what the shell does with it, without expansions. */
function wordsOf(line: string): string[] {
  const [first = ""] = line.replace(/^source <\(|\)$/g, "").split(/ [|>] /);
  return [...first.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? "",
  );
}
