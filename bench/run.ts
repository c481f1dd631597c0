import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { exitWith, reason, UserError } from "../packages/cli/src/local/user-error.ts";
import { exitOnSignal } from "../scripts/exit-on-signal.ts";
import { projectPath } from "../scripts/project.ts";
import type { Benchmark } from "./benchmark.ts";
import { authentication } from "./cases/authentication.ts";
import { binary } from "./cases/binary.ts";
import { cache } from "./cases/cache.ts";
import { coldStart } from "./cases/cold-start.ts";
import { collector } from "./cases/collector.ts";
import { drift } from "./cases/drift.ts";
import { explanations } from "./cases/explanations.ts";
import { fairness } from "./cases/fairness.ts";
import { generation } from "./cases/generation.ts";
import { isolates } from "./cases/isolates.ts";
import { kernels } from "./cases/kernels.ts";
import { lifecycle } from "./cases/lifecycle.ts";
import { monitoring } from "./cases/monitoring.ts";
import { overload } from "./cases/overload.ts";
import { rpc } from "./cases/rpc.ts";
import { soak } from "./cases/soak.ts";
import { taskPhases } from "./cases/task-phases.ts";
import { throughput } from "./cases/throughput.ts";
import { transcription } from "./cases/transcription.ts";
import { upload } from "./cases/upload.ts";
import { formatTable } from "./table.ts";

const BENCHMARKS: readonly Benchmark[] = [
  throughput,
  binary,
  authentication,
  rpc,
  coldStart,
  cache,
  taskPhases,
  transcription,
  overload,
  fairness,
  isolates,
  kernels,
  lifecycle,
  monitoring,
  collector,
  generation,
  upload,
  drift,
  explanations,
  soak,
];

const HELP = `npm run bench -- [name...] [options]

Benchmarks (default: all of them):
${BENCHMARKS.map(({ name, description }) => `  ${name.padEnd(16)} ${description}`).join("\n")}

Options:
  --rounds N       number of rounds, each in fresh processes (default 5)
  --seconds N      duration of one measurement, warm-up excluded (default 1)
  --connections N  connections of the load generator (default 8)
  --cycles N       passes of the soak over its models (default 200)
  --json FILE      write every measured value to FILE
  --help           print this text

bench/README.md describes the benchmarks and their results.`;

exitOnSignal();

await main().catch(exitWith);

async function main(): Promise<void> {
  const { values, positionals } = parseArguments();
  if (values.help) return console.log(HELP);
  const benchmarks = chooseBenchmarks(positionals);
  const settings = {
    rounds: parseCount("rounds", values.rounds),
    seconds: parseCount("seconds", values.seconds),
    connections: parseCount("connections", values.connections),
    cycles: parseCount("cycles", values.cycles),
  };
  const machine = describeMachine();
  console.log(
    `${machine.date}, ${machine.cpuCount} x ${machine.cpu}, Node ${machine.node}, workerd ${machine.workerd}, onnxruntime-web ${machine.onnxruntimeWeb}`,
  );
  console.log(
    `${settings.rounds} rounds of ${settings.seconds} s, ${settings.connections} connections, load average ${machine.loadAverage.toFixed(1)} at the start`,
  );
  const results: Record<string, unknown> = {};
  for (const benchmark of benchmarks) {
    // Progress goes to standard error, so that standard output contains only the tables.
    const { tables, raw } = await benchmark.run({ ...settings, report: console.error });
    results[benchmark.name] = raw;
    for (const table of tables) console.log(`\n${formatTable(table)}`);
  }
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ machine, settings, results }, undefined, 2)}\n`);
}

function parseArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: "string", default: "5" },
        seconds: { type: "string", default: "1" },
        connections: { type: "string", default: "8" },
        cycles: { type: "string", default: "200" },
        json: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UserError(`${reason(error)} (see --help)`);
  }
}

function chooseBenchmarks(names: readonly string[]): readonly Benchmark[] {
  if (names.length === 0) return BENCHMARKS;
  return names.map((name) => {
    const found = BENCHMARKS.find((benchmark) => benchmark.name === name);
    if (found) return found;
    const names = BENCHMARKS.map((benchmark) => benchmark.name).join(", ");
    throw new UserError(`unknown benchmark "${name}"; the benchmarks are ${names}`);
  });
}

function parseCount(option: string, text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new UserError(`--${option} must be a positive integer; got ${JSON.stringify(text)}`);
}

function describeMachine() {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cpuCount: availableParallelism(),
    /** Other load of the machine: ratios vary when it exceeds one or two cores. */
    loadAverage: loadavg()[0] ?? 0,
    node: process.versions.node,
    workerd: readVersion("workerd"),
    onnxruntimeWeb: readVersion("onnxruntime-web"),
  };
}

function readVersion(name: string): string {
  const file = projectPath("node_modules", name, "package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
