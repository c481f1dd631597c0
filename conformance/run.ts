import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { exitWith, reason, UserError } from "../packages/cli/src/local/user-error.ts";
import { exitOnSignal } from "../scripts/exit-on-signal.ts";
import { createBaseline } from "./baseline.ts";
import { type CaseFolder, findCases, readCase } from "./cases.ts";
import { TOLERANCE } from "./compare.ts";
import { type CaseResult, findStale, markKnown, toDifference } from "./differences.ts";
import { KNOWN_DIFFERENCES } from "./known-differences.ts";
import { toOutcome } from "./outcome.ts";
import { count, formatDifference, formatReport, isUnexplained } from "./report.ts";
import { startWorkerEngine } from "./worker-engine.ts";

const HELP = `npm run conformance -- <folder> [options]

Runs the ONNX backend tests in a folder through the built Worker over HTTP and through plain ONNX
Runtime Web, and compares the results. Exits with code 1 when there is a difference that
conformance/known-differences.ts does not list.

Options:
  --filter REGEX   only cases whose name matches
  --json FILE      write the result of every case to FILE
  --help           print this text

conformance/README.md describes where to get the tests and what is compared.`;

const PROGRESS_EVERY = 50;

exitOnSignal();

await main().catch(exitWith);

async function main(): Promise<void> {
  const { values, positionals } = parseArguments();
  if (values.help) return console.log(HELP);
  const [folder, ...more] = positionals;
  if (folder === undefined || more.length > 0)
    throw new UserError("expected one folder with test cases (see --help)");
  const cases = findCases(folder).filter(({ name }) => values.filter?.test(name) ?? true);
  if (cases.length === 0) throw new UserError(`--filter ${values.filter?.source} matches no case`);
  const start = performance.now();
  const found = await runCases(cases);
  const results = markKnown(found, KNOWN_DIFFERENCES);
  const stale = findStale(found, KNOWN_DIFFERENCES);
  console.log(formatReport(results, stale));
  console.log(`${((performance.now() - start) / 1000).toFixed(0)} s`);
  if (values.json !== undefined) writeResults(values.json, results);
  if (results.some(isUnexplained) || stale.length > 0) process.exitCode = 1;
}

function parseArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        filter: { type: "string" },
        json: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    const filter = values.filter === undefined ? undefined : new RegExp(values.filter);
    return { values: { ...values, filter }, positionals };
  } catch (error) {
    throw new UserError(`${reason(error)} (see --help)`);
  }
}

/** Runs each case on both engines at once, one case after the other; progress goes to standard error. */
async function runCases(cases: readonly CaseFolder[]): Promise<CaseResult[]> {
  console.error(`${cases.length} cases; building and starting the Worker ...`);
  const worker = await startWorkerEngine();
  const baseline = createBaseline();
  try {
    const healthProblem = await worker.findHealthProblem();
    if (healthProblem !== undefined)
      throw new Error(`the Worker is unhealthy before the first case: ${healthProblem}`);
    const results: CaseResult[] = [];
    for (const [index, folder] of cases.entries()) {
      const testCase = readCase(folder);
      const [workerResult, baselineResult] = await Promise.all([
        worker.run(testCase),
        baseline.run(testCase),
      ]);
      const engineResults = { worker: workerResult, baseline: baselineResult };
      const outcomes = {
        worker: toOutcome(testCase, workerResult),
        baseline: toOutcome(testCase, baselineResult),
      };
      const difference = toDifference(outcomes, engineResults, await worker.findHealthProblem());
      const result = { name: testCase.name, ...outcomes, difference };
      results.push(result);
      if (difference) console.error(`${difference.kind} ${formatDifference(result)}`);
      const done = index + 1;
      if (done % PROGRESS_EVERY === 0 || done === cases.length)
        console.error(
          `${done} of ${cases.length} cases, ${Math.round((await worker.memoryBytes()) / 2 ** 20)} MiB of wasm memory`,
        );
    }
    return results;
  } finally {
    baseline.dispose();
    await worker.dispose();
  }
}

function writeResults(file: string, results: readonly CaseResult[]): void {
  const summary = {
    date: new Date().toISOString(),
    tolerance: TOLERANCE,
    worker: count(results.map((result) => result.worker)),
    baseline: count(results.map((result) => result.baseline)),
    results,
  };
  writeFileSync(file, `${JSON.stringify(summary, undefined, 2)}\n`);
}
