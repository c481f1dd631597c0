import { ApiError } from "../domain/errors.ts";
import { modelOfShard, SERVICE_SHARD, shardOf } from "../domain/monitoring/collector.ts";
import type { MetricsMethods } from "../domain/monitoring/metrics-methods.ts";
import type {
  Answered,
  EventsRequest,
  Monitoring,
  RecentEvents,
  SeriesRequest,
  Window,
} from "../domain/monitoring/monitoring.ts";
import { type QueryOptions, queryShards, toUnreachable } from "./query-shards.ts";

type Shard = Pick<MetricsMethods, "totals" | "metrics" | "windows" | "events" | "models">;

/** Shards whose events are read: those with the last requests. */
const MAX_WATCHED = 64;
/** Windows of one version in an answer. */
const MAX_STEPS = 1500;

export interface MonitoringOptions {
  /** The names of models, for when the list of the service's shard cannot be read. */
  readonly published?: () => Promise<readonly string[]>;
}

/** Reads what was collected, from the shards of the service and of its models. */
export function createMonitoring(
  connect: (shard: string) => Shard,
  { published = async () => [] }: MonitoringOptions = {},
): Monitoring {
  async function models(): Promise<string[]> {
    return (await connect(SERVICE_SHARD).models()).map(({ model }) => model);
  }

  /** Whether a model has a shard. Asking creates an object, whose tables stay: no reader creates one for each name that comes to mind. */
  async function isKnown(model: string): Promise<boolean> {
    try {
      return (await models()).includes(model);
    } catch {
      return true;
    }
  }

  /** Of the service and of all models, those with the last requests first, or of one. */
  async function shardsOf(model: string | undefined): Promise<Answered<readonly string[]>> {
    if (model !== undefined)
      return { value: (await isKnown(model)) ? [shardOf(model)] : [], unreachable: [] };
    try {
      return { value: [SERVICE_SHARD, ...(await models()).map(shardOf)], unreachable: [] };
    } catch (error) {
      const names = await published().catch(() => []);
      return { value: names.map(shardOf), unreachable: [toUnreachable(SERVICE_SHARD, error)] };
    }
  }

  async function queryAll<T>(
    model: string | undefined,
    query: (shard: Shard, name: string) => Promise<readonly T[]>,
    options?: QueryOptions,
  ): Promise<Answered<readonly T[]>> {
    const shards = await shardsOf(model);
    const { value, unreachable } = await queryShards(
      shards.value,
      (shard) => query(connect(shard), shard),
      options,
    );
    return {
      value: value.flatMap(({ answer }) => answer),
      unreachable: [...shards.unreachable, ...unreachable],
    };
  }

  return {
    totals: () => queryAll(undefined, (shard) => shard.totals()),

    metrics: (options) =>
      queryAll(
        undefined,
        async (shard, name) => [{ ...(await shard.metrics()), model: modelOfShard(name) }],
        options,
      ),

    async series({ model, version, from, to, stepSeconds }: SeriesRequest) {
      checkSteps({ from, to, stepSeconds });
      const answered = await queryAll<Window>(model, (shard) =>
        shard.windows({ version, from, to, stepSeconds }),
      );
      const value = answered.value.toSorted((one, two) => one.start - two.start);
      return { value, unreachable: answered.unreachable };
    },

    async events({ model, after }: EventsRequest = {}) {
      const shards = await shardsOf(model);
      // It has the alerts of all models.
      const ofModels = shards.value.filter((shard) => shard !== SERVICE_SHARD);
      const cursors = parseCursors(after);
      const watched = [SERVICE_SHARD, ...ofModels].slice(0, MAX_WATCHED);
      const { value, unreachable } = await queryShards(watched, (shard) =>
        connect(shard).events(cursors[shard]),
      );
      return {
        value: mergeEvents(
          value.map(({ shard, answer }) => ({ shard, ...answer })),
          cursors,
        ),
        unreachable: [...shards.unreachable, ...unreachable],
      };
    },

    models: () => connect(SERVICE_SHARD).models(),
  };
}

/** @throws ApiError `invalid_request` */
function checkSteps({ from, to, stepSeconds }: Omit<SeriesRequest, "model" | "version">): void {
  const problem = (message: string) => new ApiError("invalid_request", message);
  if (!Number.isFinite(from) || !Number.isFinite(to) || from >= to)
    throw problem(`The time from ${from} to ${to} has no length: "from" must be before "to".`);
  if (!Number.isInteger(stepSeconds) || stepSeconds < 60 || stepSeconds % 60 !== 0)
    throw problem(`The step is ${stepSeconds} s: it must be a multiple of 60 s.`);
  const steps = Math.ceil((to - from) / (stepSeconds * 1000));
  if (steps > MAX_STEPS)
    throw problem(
      `There would be ${steps} windows, and ${MAX_STEPS} is the most: make the step at least ${Math.ceil((to - from) / MAX_STEPS / 60_000) * 60} s.`,
    );
}

type Cursors = Readonly<Record<string, string>>;

/** A cursor that is not one of ours begins anew. */
function parseCursors(cursor: string | undefined): Cursors {
  if (cursor === undefined) return {};
  try {
    return Object(JSON.parse(cursor)) as Cursors;
  } catch {
    return {};
  }
}

function mergeEvents(
  answers: readonly (RecentEvents & { readonly shard: string })[],
  before: Cursors,
): RecentEvents {
  const cursors = Object.fromEntries(answers.map(({ shard, cursor }) => [shard, cursor]));
  return {
    events: answers
      .flatMap(({ events }) => events)
      .sort((one, two) => (one.time < two.time ? -1 : Number(one.time > two.time))),
    cursor: JSON.stringify({ ...before, ...cursors }),
    missed: answers.reduce((sum, { missed }) => sum + missed, 0),
  };
}
