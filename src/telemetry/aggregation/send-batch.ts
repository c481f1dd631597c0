import { ApiError } from "../../domain/errors.ts";
import type { CanaryVerdict } from "../../domain/monitoring/canary-report.ts";
import {
  type CollectionPolicy,
  type MetricsCollector,
  modelOfShard,
  type WindowDelta,
} from "../../domain/monitoring/collector.ts";
import { within } from "../../shared/within.ts";
import type { ShardOutbox } from "./shard-outbox.ts";

export interface SenderOptions {
  readonly connect: (shard: string) => Pick<MetricsCollector, "add">;
  readonly policy: CollectionPolicy;
  readonly now: () => number;
  /** Called with what is not sent again. */
  readonly onLost: (reason: string, windows: readonly WindowDelta[]) => void;
  /** Called with canaries of a model that are worse, until one is acknowledged. */
  readonly onCanaries?: ((model: string, verdicts: readonly CanaryVerdict[]) => void) | undefined;
  /** The random id of this isolate. */
  readonly source?: string;
}

/** For how long a call is waited for. */
const ANSWER_MS = 10_000;
/** Shorter than the collector remembers a batch: it would add it a second time. */
const GIVE_UP_MS = 600_000;

/** Sends the batches of shards, each until it has a receipt. */
export function createSender({
  connect,
  policy,
  now,
  onLost,
  onCanaries,
  source: givenSource,
}: SenderOptions) {
  /** Not at the start of an isolate, where nothing is random. */
  let source = givenSource;

  /** @returns whether there is nothing left to send; it never throws */
  return async function send(shard: string, outbox: ShardOutbox): Promise<boolean> {
    // The call of another request, which may have been ended in the middle of it.
    if (now() < outbox.busyUntil) return true;
    source ??= crypto.randomUUID();
    const sent = outbox.take(source, policy, now());
    if (!sent) return true;
    outbox.busyUntil = now() + ANSWER_MS + 1000;
    const { windows } = sent.batch;
    try {
      const { isWatched, canaries } = await within(connect(shard).add(sent.batch), ANSWER_MS);
      outbox.sent = undefined;
      outbox.isWatched = isWatched;
      if (canaries) onCanaries?.(modelOfShard(shard), canaries);
      return true;
    } catch (error) {
      const isRefused = error instanceof ApiError && error.code === "invalid_request";
      if (!isRefused && now() - sent.since < GIVE_UP_MS) return false;
      outbox.sent = undefined;
      onLost(isRefused ? "refused" : "unconfirmed", windows);
      return true;
    } finally {
      outbox.busyUntil = 0;
    }
  };
}
