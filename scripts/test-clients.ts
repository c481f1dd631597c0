import { randomUUID } from "node:crypto";
import { runProgram } from "../packages/cli/src/local/run-program.ts";
import { seedModels } from "../packages/cli/src/local/seed.ts";
import { createTemporaryFolder } from "../packages/cli/src/local/temporary-folder.ts";
import { exitWith } from "../packages/cli/src/local/user-error.ts";
import { storeTextToText } from "../test/support/stored-text-to-text.ts";
import { buildWorker } from "./build-worker.ts";
import { exitOnSignal } from "./exit-on-signal.ts";
import { startLocalWorker } from "./local-worker.ts";
import { preparePerfAnalyzer } from "./perf-analyzer.ts";
import { projectPath } from "./project.ts";
import { preparePython } from "./python-environment.ts";

/**
 * `npm run test:clients [-- pytest arguments]`: tests the built Worker with the Python clients of
 * Triton, KServe, OpenVINO Model Server, Hugging Face and OpenAI, and with perf_analyzer. The tests are in test/clients; the packages are installed into
 * node_modules/.cache.
 *
 * PYTHON          the Python that creates the environment (default python3)
 * SHAP            `on` also installs the package shap, whose plots draw explanations
 * PERF_ANALYZER   an installed perf_analyzer, instead of the one from PyPI
 */
exitOnSignal();

await testClients().catch(exitWith);

async function testClients(): Promise<void> {
  const folder = projectPath("test", "clients");
  const cache = projectPath("node_modules", ".cache", "onnxflare-clients");
  const name = process.env.SHAP === "on" ? "-shap" : "";
  const python = await preparePython(
    `${cache}/python${name}`,
    `${folder}/requirements${name}.txt`,
    (line: string) => console.log(`onnxflare: ${line}`),
  );
  const perfAnalyzer = await preparePerfAnalyzer(`${cache}/perf-analyzer`, python);
  const outdir = createTemporaryFolder("clients-build");
  await buildWorker(outdir);
  const adminKey = randomUUID();
  const [closed, open] = await Promise.all([
    serve(outdir, { ADMIN_KEY: adminKey }),
    // Without the prediction cache, so that perf_analyzer measures the engine.
    serve(outdir, { REPOSITORY_CONTROL: "open", CACHE_TIERS: "", PUBLIC_METRICS: "on" }),
  ]);
  const args = ["-m", "pytest", "-p", "no:cacheprovider", "-ra", ...process.argv.slice(2)];
  const { code } = await runProgram(python, args, {
    cwd: folder,
    stdio: "inherit",
    env: {
      ...process.env,
      PYTHONDONTWRITEBYTECODE: "1",
      ONNXFLARE_URL: closed.origin,
      ONNXFLARE_OPEN_URL: open.origin,
      ONNXFLARE_ADMIN_KEY: adminKey,
      ...("missing" in perfAnalyzer
        ? { PERF_ANALYZER_MISSING: perfAnalyzer.missing }
        : { PERF_ANALYZER: perfAnalyzer.command.join("\n") }),
    },
  });
  await Promise.all([closed.dispose(), open.dispose()]);
  process.exitCode = code;
}

interface Served {
  readonly origin: string;
  dispose(): Promise<void>;
}

async function serve(outdir: string, vars: Record<string, string>): Promise<Served> {
  const worker = await startLocalWorker({ outdir, vars: { EVENT_LOG: "off", ...vars } });
  await seedModels(await worker.bucket(), projectPath("models"));
  // No model of models/ writes texts about texts.
  for (const task of ["summarization", "translation"])
    await storeTextToText(await worker.bucket(), "merged", task);
  return { origin: worker.url.origin, dispose: () => worker.dispose() };
}
