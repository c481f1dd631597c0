import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "../packages/cli/src/local/run-program.ts";
import { createTemporaryFolder } from "../packages/cli/src/local/temporary-folder.ts";
import { exitWith, UserError } from "../packages/cli/src/local/user-error.ts";
import {
  awaitMetrics,
  publishMetricModels,
  sendMetricTraffic,
} from "../test/support/metric-traffic.ts";
import { buildWorker } from "./build-worker.ts";
import { exitOnSignal } from "./exit-on-signal.ts";
import { startLocalWorker } from "./local-worker.ts";
import { projectPath } from "./project.ts";
import { preparePromtool } from "./promtool.ts";

/**
 * `npm run test:prometheus`: checks by promtool the rules and the queries of the dashboard in examples/, and what the built Worker answers to
 * GET /metrics after real requests.
 *
 * PROMTOOL   an installed promtool, instead of that of PATH or of Debian
 */
exitOnSignal();

await testPrometheus().catch(exitWith);

async function testPrometheus(): Promise<void> {
  const cache = projectPath("node_modules", ".cache", "onnxflare-prometheus");
  const promtool = await preparePromtool(cache);
  const folder = createTemporaryFolder("prometheus");
  await checkExamples(promtool, folder);
  checkText(promtool, await readMetrics(folder));
}

async function checkExamples(promtool: string, folder: string): Promise<void> {
  const cwd = projectPath("examples", "prometheus");
  const dashboard = readFileSync(projectPath("examples", "grafana", "onnxflare.json"), "utf8");
  const queries = join(folder, "dashboard.rules.json");
  writeFileSync(queries, toRules(dashboard));
  for (const args of [
    ["check", "config", "--syntax-only", "prometheus.yml"],
    ["check", "rules", "onnxflare.rules.yml"],
    ["check", "rules", queries],
    ["test", "rules", "onnxflare.test.yml"],
  ]) {
    const { code, output } = await runProgram(promtool, args, { cwd });
    if (code !== 0) throw new UserError(`promtool ${args.join(" ")} failed:\n${output}`);
    const [line = ""] = output.match(/SUCCESS.*/) ?? [];
    console.log(`promtool ${args.slice(0, 2).join(" ")}: ${line}`);
  }
}

/** The queries of a dashboard as rules, in the JSON form of YAML: promtool checks no queries by themselves. */
function toRules(dashboard: string): string {
  const queries = dashboard.matchAll(/"expr": ("(?:[^"\\]|\\.)*")/g);
  const rules = [...queries].map(([, text = ""], index) => ({
    record: `query:${index}`,
    expr: (JSON.parse(text) as string).replaceAll("$__rate_interval", "5m"),
  }));
  if (rules.length === 0) throw new UserError("the dashboard has no queries");
  return JSON.stringify({ groups: [{ name: "dashboard", rules }] });
}

/** What a Worker answers that has had requests of all kinds. */
async function readMetrics(folder: string): Promise<string> {
  await buildWorker(folder);
  const worker = await startLocalWorker({
    outdir: folder,
    vars: {
      EVENT_LOG: "off",
      PUBLIC_METRICS: "on",
      MONITORING_FLUSH_MS: "100",
      CACHE_TIERS: "isolate",
      MAX_QUEUE_MS: "100000",
    },
  });
  try {
    await publishMetricModels(await worker.bucket());
    const { origin } = worker.url;
    await sendMetricTraffic(origin);
    return await awaitMetrics(origin);
  } finally {
    await worker.dispose();
  }
}

/** Whether the text is valid, and follows the conventions of Prometheus, except in the names that are Triton's. */
function checkText(promtool: string, text: string): void {
  const { status, stdout, stderr } = spawnSync(promtool, ["check", "metrics"], {
    input: text,
    encoding: "utf8",
  });
  const problems = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
  const own = problems.filter((line) => !line.startsWith("nv_"));
  // 3 where there are only complaints about names.
  if (own.length > 0 || (status !== 0 && status !== 3))
    throw new UserError(`promtool check metrics failed (${status}):\n${own.join("\n")}`);
  const lines = text.split("\n").length - 1;
  console.log(
    `promtool check metrics: SUCCESS, ${lines} lines; ${problems.length} complaints about names of Triton`,
  );
}
