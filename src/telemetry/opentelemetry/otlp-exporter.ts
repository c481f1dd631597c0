import type { OtlpSettings } from "../../domain/otlp-settings.ts";
import { type Answer, postOtlp, type Signal } from "./post-otlp.ts";

export interface OtlpExporterOptions {
  readonly settings: OtlpSettings;
  /** The resource and the scope of all records, as JSON. */
  readonly wrap: (signal: Signal, records: readonly string[]) => string;
  readonly userAgent: string;
  readonly fetch: typeof fetch;
  /** Keeps the Worker alive until the work has ended. It throws outside of a request. */
  readonly waitUntil: (work: Promise<void>) => void;
  readonly onLost: (reason: OtlpLoss, records: number, error?: unknown) => void;
  /** How long a record waits for others. */
  readonly intervalMs?: number;
  readonly now?: () => number;
  readonly sleep?: (ms: number) => Promise<void>;
}

export type OtlpLoss =
  | "otlp_full" // more were waiting than may
  | "otlp_failed" // the endpoint was out of reach, or answered with an error, again and again
  | "otlp_rejected"; // the endpoint does not want them

export interface OtlpExporter {
  /** @param record in JSON */
  add(signal: Signal, record: string): void;
}

const INTERVAL_MS = 2000;
/** Of one request to the endpoint. */
const MAX_BATCH_RECORDS = 512;
const MAX_BATCH_LENGTH = 1_048_576;
/** Of all that wait. */
const MAX_WAITING_RECORDS = 4096;
const MAX_WAITING_LENGTH = 4_194_304;
const MAX_ATTEMPTS = 5;
const FIRST_BACKOFF_MS = 1000;
const MAX_BACKOFF_MS = 60_000;
/** The platform ends what goes on after a response after 30 s: what is left waits for another request. */
const MAX_RUN_MS = 20_000;
/** A run that is older than this was ended by the platform. */
const LOST_RUN_MS = 60_000;

interface Batch {
  readonly signal: Signal;
  readonly records: readonly string[];
  attempts: number;
}

/** Sends records in batches, those of a failed request again later. What does not fit is dropped and counted. */
export function createOtlpExporter({
  settings,
  wrap,
  userAgent,
  fetch,
  waitUntil,
  onLost,
  intervalMs = INTERVAL_MS,
  now = Date.now,
  sleep = (ms) => new Promise((resume) => setTimeout(resume, ms)),
}: OtlpExporterOptions): OtlpExporter {
  const waiting: Record<Signal, string[]> = { traces: [], logs: [] };
  let waitingRecords = 0;
  let waitingLength = 0;
  /** That was not accepted yet. */
  let failed: Batch | undefined;
  let retryAt = 0;
  let runningSince: number | undefined;

  function add(signal: Signal, record: string): void {
    const isFull =
      waitingRecords >= MAX_WAITING_RECORDS || waitingLength + record.length > MAX_WAITING_LENGTH;
    if (isFull || record.length > MAX_BATCH_LENGTH) onLost("otlp_full", 1);
    else {
      waiting[signal].push(record);
      waitingRecords += 1;
      waitingLength += record.length;
    }
    const time = now();
    if (runningSince !== undefined && time - runningSince < LOST_RUN_MS) return;
    runningSince = time;
    const work = run(time).finally(() => {
      if (runningSince === time) runningSince = undefined;
    });
    try {
      waitUntil(work);
    } catch {
      // Outside of a request nothing keeps it alive; the next request sends what is left.
    }
  }

  async function run(startedAt: number): Promise<void> {
    await sleep(Math.min(intervalMs, INTERVAL_MS));
    while (failed !== undefined || waitingRecords > 0) {
      const pauseMs = retryAt - now();
      if (now() + Math.max(pauseMs, 0) - startedAt > MAX_RUN_MS) return;
      if (pauseMs > 0) await sleep(pauseMs);
      const batch = failed ?? takeBatch();
      failed = undefined;
      await send(batch);
    }
  }

  function takeBatch(): Batch {
    const signal: Signal = waiting.traces.length > 0 ? "traces" : "logs";
    const records = waiting[signal];
    let length = 0;
    let count = 0;
    for (const record of records) {
      if (count === MAX_BATCH_RECORDS || length + record.length > MAX_BATCH_LENGTH) break;
      length += record.length;
      count += 1;
    }
    waitingRecords -= count;
    waitingLength -= length;
    return { signal, records: records.splice(0, count), attempts: 0 };
  }

  async function send(batch: Batch): Promise<void> {
    const { signal, records } = batch;
    batch.attempts += 1;
    const answer = await postOtlp({
      url: `${settings.endpoint}/v1/${signal}`,
      headers: { ...settings.headers, "content-type": "application/json", "user-agent": userAgent },
      body: wrap(signal, records),
      fetch,
    });
    if (answer.kind === "accepted") {
      retryAt = 0;
      if (answer.rejected > 0) onLost("otlp_rejected", answer.rejected, answer.problem);
    } else if (answer.kind === "refused") onLost("otlp_rejected", records.length, answer.problem);
    else if (batch.attempts >= MAX_ATTEMPTS) onLost("otlp_failed", records.length, answer.problem);
    else {
      failed = batch;
      retryAt = now() + backoffMs(batch.attempts, answer);
    }
  }

  return { add };
}

function backoffMs(attempts: number, { retryAfterMs }: Answer & { kind: "failed" }): number {
  const ms = retryAfterMs ?? FIRST_BACKOFF_MS * 2 ** (attempts - 1);
  return Math.min(ms, MAX_BACKOFF_MS);
}
