import { parseArgs } from "node:util";
import { formatTable } from "../bench/table.ts";
import { createTemporaryFolder } from "../packages/cli/src/local/temporary-folder.ts";
import { exitWith, reason, UserError } from "../packages/cli/src/local/user-error.ts";
import { buildWorker } from "../scripts/build-worker.ts";
import { exitOnSignal } from "../scripts/exit-on-signal.ts";
import { projectPath } from "../scripts/project.ts";
import { ERROR_KINDS } from "../src/domain/errors.ts";
import { type CampaignResult, runCampaign } from "./campaign.ts";
import type { Finding } from "./findings.ts";
import type { FuzzKind } from "./fuzz-kind.ts";
import { formatGrowth } from "./memory-watch.ts";
import { EXPECTED_FAILURES } from "./oracle.ts";
import { KINDS } from "./registry.ts";
import { loadSamples } from "./samples/load-samples.ts";
import { readSeeds, writeSeed } from "./seed-file.ts";
import { toCurl } from "./to-curl.ts";

const HELP = `npm run fuzz -- [options]

Sends hostile requests and mutated models to the built Worker in workerd, and judges every response.

Options:
  --requests N     requests, besides those of the models (default 200000)
  --models N       mutated models to publish, run and delete (default 2000)
  --minutes N      end after so many minutes, whatever is left (default: never)
  --seed N         seed of every choice (default 1); the same seed gives the same requests
  --first N        index of the first request and model (default 0)
  --only KIND      this kind alone; may be repeated
  --connections N  connections at a time (default 8)
  --seeds FOLDER   requests to send first, and where new findings are written (default fuzz/seeds)
  --help           print this text

Kinds:
${KINDS.map(({ name, description }) => `  ${name.padEnd(16)} ${description}`).join("\n")}

Exit code 1: findings, which fuzz/README.md explains.`;

const DEFAULT_SEEDS = projectPath("fuzz", "seeds");
/** A deadline of TIMEOUT_MS (30 s), and what a run takes that began before it. */
const TIMEOUT_MS = 45_000;

exitOnSignal();
await main().catch(exitWith);

async function main(): Promise<void> {
  const values = parseArguments();
  if (values.help) return console.log(HELP);
  const kinds = chooseKinds(values.only);
  const folder = values.seeds ?? DEFAULT_SEEDS;
  const outdir = createTemporaryFolder("fuzz-build");
  console.error("building the Worker ...");
  const [samples] = await Promise.all([loadSamples(), buildWorker(outdir)]);
  const minutes = values.minutes === undefined ? Number.POSITIVE_INFINITY : Number(values.minutes);
  const result = await runCampaign({
    outdir,
    samples,
    kinds,
    seed: parseCount("seed", values.seed),
    requests: parseCount("requests", values.requests),
    models: parseCount("models", values.models),
    first: parseCount("first", values.first),
    connections: parseCount("connections", values.connections),
    seeds: readSeeds(folder),
    timeoutMs: TIMEOUT_MS,
    endAtMs: performance.now() + minutes * 60_000,
    report: console.error,
    onFinding: (finding) => printFinding(finding, writeSeed(folder, finding)),
  });
  printResult(result);
  if (result.findings.count() > 0) process.exitCode = 1;
}

function parseArguments() {
  try {
    return parseArgs({
      options: {
        requests: { type: "string", default: "200000" },
        models: { type: "string", default: "2000" },
        minutes: { type: "string" },
        seed: { type: "string", default: "1" },
        first: { type: "string", default: "0" },
        only: { type: "string", multiple: true, default: [] },
        connections: { type: "string", default: "8" },
        seeds: { type: "string" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UserError(`${reason(error)} (see --help)`);
  }
}

function chooseKinds(names: readonly string[]): readonly FuzzKind[] {
  const unknown = names.find((name) => !KINDS.some((kind) => kind.name === name));
  if (unknown !== undefined)
    throw new UserError(
      `unknown kind "${unknown}"; the kinds are ${KINDS.map(({ name }) => name).join(", ")}`,
    );
  return names.length === 0 ? KINDS : KINDS.filter(({ name }) => names.includes(name));
}

function parseCount(option: string, text: string): number {
  const count = Number(text);
  if (text !== "" && Number.isInteger(count) && count >= 0) return count;
  throw new UserError(`--${option} must be an integer from 0; got ${JSON.stringify(text)}`);
}

function printFinding(
  { kind, cause, requests, detail = "" }: Finding,
  file: string | undefined,
): void {
  console.error(`\nFINDING ${kind}: ${cause}`);
  if (detail) console.error(`  ${detail.slice(0, 600).replaceAll("\n", "\n  ")}`);
  for (const request of requests.slice(0, 3)) console.error(`  ${toCurl(request)}`);
  console.error(`  ${file ?? "no seed file: too large, or no request"}`);
}

function printResult({
  tally,
  findings,
  checkedAnswers,
  restarts,
  memory,
  seconds,
}: CampaignResult): void {
  console.log(
    formatTable({
      ...tally.toTable(),
      title: `\n${tally.total} requests in ${seconds.toFixed(0)} s, ${(tally.total / seconds).toFixed(0)} a second`,
    }),
  );
  console.log(`\n${checkedAnswers} known predictions checked, ${restarts} restarts of workerd`);
  for (const growth of memory) console.log(formatGrowth(growth));
  if (memory.length === 0) console.log("too short a run to compare memory");
  console.log("\n5xx that are expected:");
  for (const { code, when, targets } of EXPECTED_FAILURES)
    console.log(
      `  ${ERROR_KINDS[code].status} ${code}: ${when}${targets ? " (mutated models only)" : ""}`,
    );
  console.log(`\n${findings.count()} findings in ${findings.groups.length} groups`);
  for (const { kind, cause, route, count } of findings.groups)
    console.log(`  ${count} x ${kind}, ${route}: ${cause}`);
}
