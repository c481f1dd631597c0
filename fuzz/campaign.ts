import type { LogLine } from "../scripts/local-worker.ts";
import { createFindings, type Finding, type Findings } from "./findings.ts";
import type { FuzzKind } from "./fuzz-kind.ts";
import { startFuzzedService } from "./fuzzed-service.ts";
import { createConnection, type Exchange } from "./http/connection.ts";
import { type FuzzRequest, isAnswerDue } from "./http/request.ts";
import { type Job, type JobOptions, listJobs } from "./jobs.ts";
import { findWrongAnswer } from "./known-answers.ts";
import { findLoggedError } from "./log-watch.ts";
import {
  formatGrowth,
  type Growth,
  hasGrown,
  type MemorySample,
  measureGrowth,
} from "./memory-watch.ts";
import { judge } from "./oracle.ts";
import { createTally, type Tally } from "./tally.ts";

export interface CampaignOptions extends JobOptions {
  /** The folder of the built Worker. */
  readonly outdir: string;
  /** Settings of the Worker besides those of wrangler.toml. */
  readonly vars?: Readonly<Record<string, string>>;
  readonly connections: number;
  /** The longest time until a response is complete. */
  readonly timeoutMs: number;
  /** When no more requests are begun; `Infinity` for never. */
  readonly endAtMs: number;
  readonly report: (line: string) => void;
  /** Called with the first findings of each group. */
  readonly onFinding: (finding: Finding) => void;
}

export interface CampaignResult {
  readonly tally: Tally;
  readonly findings: Findings;
  readonly checkedAnswers: number;
  readonly restarts: number;
  /** Empty after a short run. */
  readonly memory: readonly Growth[];
  readonly seconds: number;
}

const CHECK_EVERY = 500;
const PROGRESS_EVERY_MS = 5000;
/** Each sample begins with a garbage collection. */
const SAMPLE_EVERY_MS = 3000;
/** After a request without a response, the time in which the health route must respond. */
const HEALTH_TIMEOUT_MS = 5000;
/** Requests that an event may still name. */
const REMEMBERED = 5000;

/** Sends the requests of a run to the built Worker, and judges each response. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { kinds, report, timeoutMs } = options;
  const findings = createFindings();
  const tally = createTally(kinds.map(({ name }) => name));
  const sent = new Map<string, { kind: string; request: FuzzRequest }>();
  const inFlight = new Map<number, { kind: string; request: FuzzRequest }>();
  const memorySamples: MemorySample[] = [];
  let checkedAnswers = 0;
  let restarts = 0;
  let restarting: Promise<void> | undefined;
  let lastId = 0;

  const service = await startFuzzedService({ outdir: options.outdir, vars: options.vars, onLog });
  const start = performance.now();

  function add(finding: Finding): void {
    tally.addFinding(finding.kind);
    if (findings.add(finding)) options.onFinding(finding);
  }

  function onLog(line: LogLine): void {
    const error = findLoggedError(line);
    if (!error) return;
    const { kind, request } = sent.get(error.requestId ?? "") ?? {
      kind: "log",
      request: undefined,
    };
    add({ kind, cause: error.cause, detail: error.detail, requests: request ? [request] : [] });
  }

  /** Starts workerd again when it has ended, once for all connections that notice it. */
  function revive(cause: string): Promise<void> {
    restarting ??= (async () => {
      const requests = [...inFlight.values()].map(({ request }) => request);
      add({ kind: [...inFlight.values()][0]?.kind ?? "log", cause, requests });
      restarts++;
      await service.restart();
      // The memory of another process says nothing about growth.
      memorySamples.length = 0;
      restarting = undefined;
    })();
    return restarting;
  }

  async function work(jobs: Iterator<Job>): Promise<void> {
    let connection = createConnection({ port: service.port, timeoutMs });
    let ownRestarts = restarts;
    for (let next = jobs.next(); !next.done; next = jobs.next()) {
      const { kind, index } = next.value;
      let request: FuzzRequest | undefined = next.value.request;
      while (request) {
        await restarting;
        if (ownRestarts !== restarts)
          connection = createConnection({ port: service.port, timeoutMs });
        ownRestarts = restarts;
        const id = ++lastId;
        inFlight.set(id, { kind: kind.name, request });
        const exchange: Exchange = await connection.exchange(identify(request, kind, id));
        tally.addRequest(kind.name, exchange);
        if (ownRestarts === restarts && (await hasEnded(request, exchange)))
          await revive("workerd ended");
        else if (ownRestarts === restarts && restarting === undefined) {
          const cause = judge(request, exchange, timeoutMs);
          if (cause)
            add({ kind: kind.name, cause, requests: [request], detail: describe(exchange) });
          if (cause && exchange.kind === "timeout" && !(await isHealthy()))
            await revive("the service hangs");
        }
        inFlight.delete(id);
        if (ownRestarts !== restarts || restarting !== undefined) break;
        request = exchange.kind === "answer" ? kind.follow?.(request, exchange.answer) : undefined;
      }
      if (index % CHECK_EVERY === 0) {
        checkedAnswers++;
        const wrong = await findWrongAnswer(connection, index / CHECK_EVERY);
        if (wrong && restarting === undefined && ownRestarts === restarts)
          add({
            kind: kind.name,
            cause: `a wrong answer: ${wrong}`,
            requests: [next.value.request],
          });
      }
    }
    connection.close();
  }

  function identify(request: FuzzRequest, kind: FuzzKind, id: number): FuzzRequest {
    if (request.headers.some(([name]) => name === "x-request-id")) return request;
    const requestId = `fuzz-${id}`;
    sent.set(requestId, { kind: kind.name, request });
    sent.delete(`fuzz-${id - REMEMBERED}`);
    return { ...request, headers: [...request.headers, ["x-request-id", requestId]] };
  }

  /** Whether workerd has ended, so that a request has no response. */
  async function hasEnded(request: FuzzRequest, { kind }: Exchange): Promise<boolean> {
    if (kind === "refused") return true;
    if (kind !== "closed" || !isAnswerDue(request)) return false;
    return !service.isRunning() || !(await isHealthy()) || !service.isRunning();
  }

  async function sampleMemory(): Promise<void> {
    const heapBytes = await service.heapBytes();
    const residentBytes = service.residentBytes();
    if (residentBytes === undefined || heapBytes === undefined) return;
    memorySamples.push({ requests: tally.total, residentBytes, heapBytes });
  }

  async function isHealthy(): Promise<boolean> {
    const connection = createConnection({
      port: service.port,
      timeoutMs: Math.min(timeoutMs, HEALTH_TIMEOUT_MS),
    });
    const { kind } = await connection.exchange({
      method: "GET",
      target: "/v2/health/live",
      headers: [],
    });
    connection.close();
    return kind === "answer";
  }

  const sampling = setInterval(() => void sampleMemory(), SAMPLE_EVERY_MS);
  const progress = setInterval(() => {
    const seconds = (performance.now() - start) / 1000;
    const memory = ((memorySamples.at(-1)?.residentBytes ?? 0) / 2 ** 20).toFixed(0);
    report(
      `${seconds.toFixed(0)} s: ${tally.total} requests, ${findings.count()} findings, ${memory} MiB resident`,
    );
  }, PROGRESS_EVERY_MS);
  try {
    const jobs = listJobs(options, () => performance.now() < options.endAtMs);
    await Promise.all(Array.from({ length: options.connections }, () => work(jobs)));
  } finally {
    clearInterval(sampling);
    clearInterval(progress);
    await service.dispose();
  }
  const memory = measureGrowth(memorySamples);
  for (const growth of memory.filter(hasGrown))
    add({
      kind: "memory",
      cause: `growth of the ${growth.name}`,
      requests: [],
      detail: formatGrowth(growth),
    });
  const seconds = (performance.now() - start) / 1000;
  return { tally, findings, checkedAnswers, restarts, memory, seconds };
}

function describe(exchange: Exchange): string {
  if (exchange.kind !== "answer") return exchange.kind;
  const { status, body } = exchange.answer;
  return `${status} ${body.toString().slice(0, 500)}`;
}
