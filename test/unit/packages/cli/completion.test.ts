import { expect, test, vi } from "vitest";
import { COMMANDS } from "../../../../packages/cli/src/registry.ts";
import { run } from "../../../../packages/cli/src/run.ts";

/** What the completion script reads for the words of a command line, the last one unfinished. */
async function complete(...words: string[]): Promise<string[]> {
  const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
  try {
    expect(await run(COMMANDS, ["complete", "--", ...words], new AbortController().signal)).toBe(0);
    return log.mock.calls.map(([line]) => String(line).split("\t", 1)[0] ?? "");
  } finally {
    log.mockRestore();
  }
}

test("commands, subcommands, options and their values are completed", async () => {
  expect(await complete("pro")).toContain("promote");
  expect(await complete("split", "digits", "production", "1=1", "--sti")).toContain("--sticky");
  expect(await complete("split", "digits", "production", "1=1", "--sticky", "")).toEqual(
    expect.arrayContaining(["header", "key", "input"]),
  );
  expect(await complete("completion", "")).toEqual(expect.arrayContaining(["bash", "zsh", "fish"]));
  expect(await complete("keys", "generate", "")).toContain("encryption");
});
