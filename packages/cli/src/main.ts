import { EXIT_CODES } from "./exit-codes.ts";
import { COMMANDS } from "./registry.ts";
import { run } from "./run.ts";

const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => {
    // The second one does not wait for what the first one ends.
    if (interruption.signal.aborted) process.exit(EXIT_CODES.interrupted.code);
    interruption.abort(new Error(`interrupted by ${signal}`));
  });
// A reader such as `head` has seen enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(EXIT_CODES.ok.code);
  throw error;
});

process.exitCode = await run(COMMANDS, process.argv.slice(2), interruption.signal);
