import type { AlertRule } from "../../domain/alerts/alert-rule.ts";
import { kindOf } from "../../domain/alerts/kinds/registry.ts";
import type {
  Group,
  Range,
  Readings,
  VersionFindings,
  VersionReports,
} from "../../domain/alerts/readings.ts";
import type { ActiveModel, WindowsRequest } from "../../domain/monitoring/collector.ts";
import type { Window } from "../../domain/monitoring/monitoring.ts";
import { looksAt } from "./evaluate-rules.ts";
import { groupAggregates } from "./group-aggregates.ts";

/** What alerts read of a deployment. */
export interface AlertSources {
  /** Models that have had requests, those of the last time first. */
  models(): Promise<readonly ActiveModel[]>;
  /** Of the requests to a model; of those without one for an empty name. */
  windows(model: string, request: WindowsRequest): Promise<readonly Window[]>;
  reports(model: string, version: string): Promise<VersionReports>;
}

/** Each is read once a minute. Of more, those with requests in the last time are evaluated. */
const MAX_MODELS = 200;
/** As many requests to other objects may be in flight. */
const CONCURRENCY = 6;
/** How long what was read of the past, and a report, is used. */
const PAST_MS = 3_600_000;
const REPORT_MS = 300_000;
const PAST_STEP_SECONDS = 21_600;

/** What was read before, and is not read again in each evaluation. It may be lost at any time. */
export interface ReadingCache {
  readonly past: Map<string, { readonly at: number; readonly windows: readonly Window[] }>;
  readonly reports: Map<string, VersionFindings & { readonly at: number }>;
}

export function createReadingCache(): ReadingCache {
  return { past: new Map(), reports: new Map() };
}

interface Span {
  readonly from: number;
  readonly to: number;
  readonly stepSeconds: number;
}

/**
 * Reads what the rules need, from all models that had requests lately. A model that cannot be read is left out.
 * @param cache is changed
 */
export async function readReadings(
  rules: readonly AlertRule[],
  sources: AlertSources,
  now: number,
  cache: ReadingCache,
): Promise<Readings & { readonly problems: readonly string[] }> {
  const ranges = rules.flatMap((rule) => kindOf(rule).reads(rule));
  const spans = new Map(ranges.map((range) => [keyOf(range), toSpan(range, now)]));
  const longestMs =
    Math.max(0, ...ranges.map(({ kind, seconds }) => (kind === "recent" ? seconds : 0))) * 1000;
  const active = (await sources.models()).filter(
    ({ seenAt }) => seenAt >= now - longestMs - 60_000,
  );
  const names = ["", ...active.slice(0, MAX_MODELS).map(({ model }) => model)];
  const problems: string[] = [];
  if (active.length > MAX_MODELS)
    problems.push(`${active.length - MAX_MODELS} of ${active.length} models are not evaluated`);
  const read = new Map<string, Window[]>([...spans.keys()].map((key) => [key, []]));

  await inParallel(names, async (model) => {
    if (!rules.some((rule) => mayLookAt(rule, model))) return;
    try {
      for (const [key, span] of spans) {
        const windows = key.startsWith("past")
          ? await readPast(model, span)
          : await sources.windows(model, span);
        read.get(key)?.push(...windows);
      }
    } catch (error) {
      problems.push(`${model === "" ? "the service" : model}: ${messageOf(error)}`);
    }
  });

  async function readPast(model: string, span: Span): Promise<readonly Window[]> {
    const key = JSON.stringify([model, span.from]);
    const known = cache.past.get(key);
    if (known && known.at === span.to) return known.windows;
    const windows = await sources.windows(model, span);
    cache.past.set(key, { at: span.to, windows });
    return windows;
  }

  const reports = await readReports();
  for (const [key, { at }] of cache.past) if (at < now - 3 * PAST_MS) cache.past.delete(key);
  for (const [key, { at }] of cache.reports) if (at < now - REPORT_MS) cache.reports.delete(key);

  async function readReports() {
    const reporting = rules.filter((rule) => kindOf(rule).readsReports);
    const versions = new Map(
      [...read.values()]
        .flat()
        .filter(({ model, start }) => model !== "" && start >= now - PAST_MS)
        .filter(({ model, version }) => reporting.some((rule) => looksAt(rule, model, version)))
        .map(({ model, version }) => [JSON.stringify([model, version]), { model, version }]),
    );
    const found: VersionFindings[] = [];
    await inParallel([...versions], async ([key, { model, version }]) => {
      try {
        const known = cache.reports.get(key);
        const latest = known ?? {
          at: now,
          model,
          version,
          reports: await sources.reports(model, version),
        };
        cache.reports.set(key, latest);
        found.push(latest);
      } catch (error) {
        problems.push(`reports of ${model} version ${version}: ${messageOf(error)}`);
      }
    });
    return found;
  }

  return {
    now,
    problems,
    isPartial: problems.length > 0,
    groups(rule, range): readonly Group[] {
      const key = keyOf(range);
      return groupAggregates(rule, read.get(key) ?? [], spans.get(key)?.to ?? now);
    },
    reports: (rule) => reports.filter(({ model, version }) => looksAt(rule, model, version)),
  };
}

function keyOf({ kind, seconds }: Range): string {
  return `${kind} ${seconds}`;
}

/** Whole steps, because windows that overlap are read as a whole. */
export function toSpan({ kind, seconds }: Range, now: number): Span {
  if (kind === "past") {
    const to = floorTo(now, PAST_MS) - PAST_MS;
    const from = floorTo(to, PAST_STEP_SECONDS * 1000) - seconds * 1000;
    return { from, to, stepSeconds: PAST_STEP_SECONDS };
  }
  const stepSeconds = seconds <= 900 ? 60 : seconds <= 21_600 ? 300 : 3600;
  return { from: floorTo(now - seconds * 1000, stepSeconds * 1000), to: now, stepSeconds };
}

function mayLookAt({ models, versions, ...rule }: AlertRule, model: string): boolean {
  if (model === "" && rule.by !== "service") return false;
  return looksAt({ models, versions: [] }, model, "");
}

function floorTo(time: number, unit: number): number {
  return Math.floor(time / unit) * unit;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  async function next(): Promise<void> {
    for (const item of left) await work(item);
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, next));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
