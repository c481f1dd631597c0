import { createHash } from "node:crypto";
import fc from "fast-check";
import { ApiError, type ErrorCode } from "../../../src/domain/errors.ts";
import { type ModelId, parseModelReference } from "../../../src/domain/model-id.ts";
import type { Routing, Split } from "../../../src/domain/routing.ts";
import type { RoutingChange } from "../../../src/domain/routing-change.ts";
import type { LifecycleIsolate } from "./lifecycle-isolate.ts";
import { TTL_SECONDS } from "./lifecycle-isolate.ts";
import { type LifecycleObserver, MODEL, type ModelState } from "./lifecycle-observer.ts";

/** What a client does, in an isolate. */
export type Command =
  | {
      readonly does: "publish";
      readonly version: string;
      readonly file: string;
      readonly force: boolean;
      readonly way: "file" | "steps" | "again";
    }
  | { readonly does: "change"; readonly change: RoutingChange }
  | { readonly does: "delete"; readonly version: string; readonly force: boolean }
  | { readonly does: "collect" }
  | { readonly does: "request"; readonly reference: string }
  | { readonly does: "pass"; readonly seconds: number };

export interface PlacedCommand {
  readonly isolate: number;
  readonly command: Command;
}

const MINUTE = 60;
const version = fc.constantFrom("1", "2");
const alias = fc.constantFrom("production", "default");
const split: fc.Arbitrary<Split> = fc
  .constantFrom(["1"], ["2"], ["1", "2"])
  .map((versions) => versions.map((each) => ({ version: each, weight: 1 })));

const change: fc.Arbitrary<RoutingChange> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ action: fc.constant("alias" as const), alias, split }),
  },
  fc.record({
    action: fc.constant("shadow" as const),
    alias,
    shadow: version.map((shadowed) => ({ version: shadowed, sample: 1 })),
  }),
  fc.record({ action: fc.constant("unalias" as const), alias }),
);

export const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant("publish" as const),
      version,
      file: fc.constantFrom("x", "y"),
      force: fc.boolean(),
      way: fc.constantFrom(...(["file", "file", "steps", "again"] as const)),
    }),
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant("change" as const), change }) },
  {
    weight: 4,
    arbitrary: fc.record({ does: fc.constant("delete" as const), version, force: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("collect" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant("request" as const),
      reference: fc.constantFrom("m", "m@1", "m@2", "m@production", "m@newest"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant("pass" as const),
      seconds: fc.constantFrom(1, 12, 61, 16 * MINUTE, 3 * 60 * MINUTE),
    }),
  },
);

export const placedCommand: fc.Arbitrary<PlacedCommand> = fc.record({
  isolate: fc.nat(1),
  command,
});

/** A file in ORT format, which is not read any further. */
export function modelFile(content: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(`....ORTM${content}`));
}

/** What may refuse a command, whatever the schedule. */
const REFUSALS: Record<Exclude<Command["does"], "pass">, readonly ErrorCode[]> = {
  publish: ["version_exists", "version_deleted", "routing_conflict"],
  change: [
    "version_not_found",
    "version_deleted",
    "alias_not_found",
    "model_not_found",
    "invalid_request",
    "routing_conflict",
  ],
  delete: ["version_not_found", "model_not_found", "version_in_use", "routing_conflict"],
  collect: [],
  request: ["version_not_found", "model_not_found", "alias_not_found"],
};

/** Of versions in steps besides: uploads are shared by all who publish the version, and swept at any age. */
const REFUSED_STEPS: readonly ErrorCode[] = [
  "upload_incomplete",
  "publication_conflict",
  "digest_mismatch",
  "invalid_model",
  // Prepared too long ago.
  "invalid_request",
  // "... was changed or deleted while it was read"
  "storage_failed",
];

export interface CommandContext {
  readonly services: LifecycleIsolate;
  readonly observer: LifecycleObserver;
  readonly log: (line: string) => void;
  /** Whether storage has faults, or so much time passes that work is given up. */
  readonly mayFail: () => boolean;
  /** The latest state in which this isolate has made a change. */
  readonly ownChange: { state: number };
  /** Manifests that were prepared, by version: publishing one again is what a client does whose request was cut off. */
  readonly prepared: Map<string, unknown>;
}

/**
 * Runs a command, and checks its answer against the states of storage.
 * @throws Error for an answer that no order of the commands explains
 */
export async function runCommand(
  what: Exclude<Command, { does: "pass" }>,
  context: CommandContext,
): Promise<void> {
  const { log } = context;
  const name = JSON.stringify(what);
  log(`> ${name}`);
  try {
    await run(what, context);
    log(`< ${name}: done`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    log(`< ${name}: ${error.code}: ${error.message}`);
    if (REFUSALS[what.does].includes(error.code)) return;
    if (what.does === "publish" && what.way !== "file" && REFUSED_STEPS.includes(error.code))
      return;
    if (error.code === "storage_failed" && context.mayFail()) return;
    throw new Error(`${name} was refused with ${error.code}: ${error.message}`, { cause: error });
  }
}

async function run(
  what: Exclude<Command, { does: "pass" }>,
  context: CommandContext,
): Promise<void> {
  const { services, observer, ownChange } = context;
  const author = { by: "key:00000000" };
  switch (what.does) {
    case "publish": {
      const begun = observer.history.length;
      if (what.force) observer.beginForced(what.version);
      const id = { name: MODEL, version: what.version };
      const text = await publish(services, id, what, context.prepared);
      if (text === undefined) return;
      observer.acknowledgePublication(what.version, text, begun);
      return;
    }
    case "change": {
      const begun = observer.history.length;
      const routing = await services.editor.change(MODEL, what.change, author);
      ownChange.state = observer.states.length - 1;
      checkInHistory(observer, routing, begun);
      return;
    }
    case "delete": {
      const id = { name: MODEL, version: what.version };
      await services.deleter.delete(id, { force: what.force, author });
      ownChange.state = observer.states.length - 1;
      const isInHistory = observer.history.some(
        ({ action, version: deleted }) => action === "delete" && deleted === what.version,
      );
      if (!isInHistory) throw new Error("the deletion is not in the history");
      return;
    }
    case "collect": {
      let cursor: string | undefined;
      do ({ cursor } = await services.collector.collect({ olderThanMs: 0, cursor }));
      while (cursor !== undefined);
      return;
    }
    case "request":
      return request(what.reference, context);
  }
}

/** @returns `undefined` when there is nothing to publish again */
async function publish(
  services: LifecycleIsolate,
  id: ModelId,
  { file, force, way }: Extract<Command, { does: "publish" }>,
  prepared: Map<string, unknown>,
): Promise<string | undefined> {
  const model = modelFile(file);
  if (way === "file") return services.publishFile(id, model, force);
  if (way === "steps") {
    const labels = new Uint8Array(Buffer.from(`labels of ${file}`));
    await services.upload(id, "model.ort", model);
    await services.upload(id, "labels.txt", labels);
    const files = [
      { path: "model.ort", sha256: sha256Of(model), sizeBytes: model.byteLength },
      { path: "labels.txt", sha256: sha256Of(labels), sizeBytes: labels.byteLength },
    ];
    const text = await services.publish(id, {
      manifest: { file: "model.ort", files },
      force,
      dryRun: true,
    });
    prepared.set(id.version, JSON.parse(text));
  }
  const manifest = prepared.get(id.version);
  return manifest ? services.publish(id, { manifest, force }) : undefined;
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A change that was acknowledged is in the history: nothing may undo that. */
function checkInHistory(observer: LifecycleObserver, routing: Routing, begun: number): void {
  const entry = routing.history.at(-1);
  if (!entry) return;
  const found = observer.history[entry.revision - 1];
  if (JSON.stringify(found) !== JSON.stringify(entry))
    throw new Error(`the change ${entry.revision}, made after ${begun}, is not in the history`);
}

async function request(reference: string, context: CommandContext): Promise<void> {
  const { services, observer, mayFail, ownChange } = context;
  const begun = observer.current.since;
  const ownState = ownChange.state;
  const model = await services.router.resolve(parseModelReference(reference), { random: 0.5 });
  /** What this isolate may have seen: it keeps a listing for some seconds, but not from before its own changes. */
  const seen = (): ModelState[] =>
    observer.states.filter((_, index) => {
      const until = observer.states[index + 1]?.since ?? Number.POSITIVE_INFINITY;
      return until >= Math.min(begun, Date.now()) - TTL_SECONDS * 1000 - 1000 && index >= ownState;
    });
  if (!seen().some((state) => leadsTo(state, reference, model.version)))
    throw new Error(`${reference} was resolved to ${model.version}, where it did not lead`);
  for (const { path, sha256 } of model.manifest.files) {
    const digest = await services.readDigest(model, path).catch((error: unknown) => {
      if (mayFail()) return "unknown";
      throw error;
    });
    if (digest === sha256 || digest === "unknown") continue;
    const isGone = seen().some((state) => !state.versions.has(model.version));
    if (digest === undefined && isGone) return;
    throw new Error(
      `${reference}: ${path} of version ${model.version} ${digest ? "is of another publication" : "is missing"}`,
    );
  }
}

function leadsTo({ routing, versions }: ModelState, reference: string, version: string): boolean {
  const { alias, version: named } = parseModelReference(reference);
  if (named !== undefined) return named === version && versions.has(version);
  const route = alias === "newest" ? undefined : routing.aliases[alias ?? "default"];
  if (route) return route.split.some((each) => each.version === version);
  // Of a listing in several pages.
  return versions.has(version);
}
