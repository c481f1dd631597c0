import { createHash } from "node:crypto";
import type { Manifest } from "../../../src/domain/manifest.ts";
import {
  type HistoryEntry,
  NO_ROUTING,
  parseRouting,
  type Routing,
} from "../../../src/domain/routing.ts";
import { filesDigestOf } from "./files-digest-of.ts";

/** Objects that count how often they were changed. */
export class ObservedObjects extends Map<string, Uint8Array<ArrayBuffer>> {
  changes = 0;

  override set(key: string, value: Uint8Array<ArrayBuffer>): this {
    this.changes += 1;
    return super.set(key, value);
  }

  override delete(key: string): boolean {
    this.changes += 1;
    return super.delete(key);
  }
}

interface VisibleVersion {
  readonly text: string;
  readonly manifest: Manifest;
}

/** What everybody who reads storage sees of the model, at one time. */
export interface ModelState {
  /** When it began, in milliseconds since the epoch. */
  readonly since: number;
  readonly routing: Routing;
  readonly versions: ReadonlyMap<string, VisibleVersion>;
}

export const MODEL = "m";
const PREFIX = `models/${MODEL}/`;

/**
 * Checks after each step what must be true of storage at any time:
 * - a visible version is complete: each file of its manifest is there, with its digest;
 * - routes point at visible versions;
 * - the history only grows, without a gap;
 * - an acknowledged publication is visible until a deletion is in the history;
 * - a number whose version was deleted shows no other files, unless that was forced.
 */
export class LifecycleObserver {
  readonly #states: ModelState[] = [];
  readonly #objects: ObservedObjects;
  readonly #digests = new WeakMap<Uint8Array, string>();
  readonly #acknowledged: { version: string; text: string; historyLength: number }[] = [];
  /** Of versions that were deleted, the files that they had. */
  readonly #deletedFiles = new Map<string, string>();
  /** Versions that somebody publishes by force. */
  readonly #forced = new Set<string>();
  #history: readonly HistoryEntry[] = [];
  #checked = -1;

  constructor(objects: ObservedObjects) {
    this.#objects = objects;
  }

  get current(): ModelState {
    this.check();
    const state = this.#states.at(-1);
    if (!state) throw new Error("nothing was observed yet");
    return state;
  }

  /** All of them, the current one last. */
  get states(): readonly ModelState[] {
    this.check();
    return this.#states;
  }

  get history(): readonly HistoryEntry[] {
    this.check();
    return this.#history;
  }

  /** Somebody begins to publish a version by force. */
  beginForced(version: string): void {
    this.#forced.add(version);
  }

  /** @param historyLength when the publication began */
  acknowledgePublication(version: string, text: string, historyLength: number): void {
    this.check();
    this.#acknowledged.push({ version, text, historyLength });
    this.#checkAcknowledged();
  }

  /** To be called after each step; what is read here is checked first. */
  check(): void {
    if (this.#objects.changes === this.#checked) return;
    this.#checked = this.#objects.changes;
    const routing = this.#readRouting();
    this.#checkHistory(routing);
    const versions = this.#readVersions(routing);
    this.#states.push({ since: Date.now(), routing, versions });
    for (const [version, { manifest }] of versions) {
      for (const { path, sha256 } of manifest.files)
        if (this.#digestOf(`${PREFIX}${version}/${path}`) !== sha256)
          throw new Error(`version ${version} is visible, and its file ${path} is not there`);
      this.#checkNumber(version, filesDigestOf(manifest));
    }
    for (const [alias, { split, shadow }] of Object.entries(routing.aliases))
      for (const { version } of shadow ? [...split, shadow] : split)
        if (!versions.has(version))
          throw new Error(`the alias ${alias} points at version ${version}, which does not exist`);
    for (const [version, { filesDigest }] of Object.entries(routing.deleted))
      this.#deletedFiles.set(version, filesDigest ?? "");
    this.#checkAcknowledged();
  }

  /** The keys that should be there when nobody has anything left to do. */
  neededKeys(): string[] {
    const { routing, versions } = this.current;
    const files = [...versions].flatMap(([version, { manifest }]) => [
      `${PREFIX}${version}/manifest.json`,
      ...manifest.files.map(({ path }) => `${PREFIX}${version}/${path}`),
    ]);
    return [...files, ...(routing === NO_ROUTING ? [] : [`${PREFIX}routing.json`])].sort();
  }

  #readRouting(): Routing {
    const bytes = this.#objects.get(`${PREFIX}routing.json`);
    if (!bytes) return NO_ROUTING;
    const routing = parseRouting(JSON.parse(new TextDecoder().decode(bytes)));
    if ("problem" in routing) throw new Error(`the routing is not valid: ${routing.problem}`);
    return routing;
  }

  #readVersions(routing: Routing): Map<string, VisibleVersion> {
    const versions = new Map<string, VisibleVersion>();
    for (const [key, bytes] of this.#objects) {
      const version = /^models\/m\/(\d+)\/manifest\.json$/.exec(key)?.[1];
      if (version === undefined || routing.deleted[version]) continue;
      const text = new TextDecoder().decode(bytes);
      versions.set(version, { text, manifest: JSON.parse(text) });
    }
    return versions;
  }

  #checkHistory({ history }: Routing): void {
    const first = history[0]?.revision ?? 1;
    const whole = [...this.#moved(first), ...history];
    if (whole.some(({ revision }, index) => revision !== index + 1))
      throw new Error(`the history has a gap: ${whole.map(({ revision }) => revision)}`);
    for (const [index, entry] of this.#history.entries())
      if (JSON.stringify(whole[index]) !== JSON.stringify(entry))
        throw new Error(`the history has lost ${JSON.stringify(entry)}`);
    this.#history = whole;
  }

  /** Entries that were moved out of the document. */
  #moved(first: number): HistoryEntry[] {
    const entries: HistoryEntry[] = [];
    while (entries.length + 1 < first) {
      const bytes = this.#objects.get(`${PREFIX}routing/${entries.length + 1}.json`);
      if (!bytes) throw new Error(`the history has no part ${entries.length + 1}`);
      entries.push(...JSON.parse(new TextDecoder().decode(bytes)));
    }
    return entries.slice(0, first - 1);
  }

  #checkNumber(version: string, digest: string): void {
    const before = this.#deletedFiles.get(version);
    this.#deletedFiles.delete(version);
    if (before === undefined || before === digest) return;
    if (!this.#forced.has(version))
      throw new Error(`version ${version} has other files than when it was deleted`);
  }

  #checkAcknowledged(): void {
    const versions = this.#states.at(-1)?.versions ?? new Map<string, VisibleVersion>();
    for (const { version, text, historyLength } of this.#acknowledged) {
      if (versions.get(version)?.text === text) continue;
      const isDeleted = this.#history
        .slice(historyLength)
        .some((entry) => entry.action === "delete" && entry.version === version);
      if (!isDeleted) throw new Error(`version ${version} was published, and is not visible`);
    }
  }

  #digestOf(key: string): string | undefined {
    const bytes = this.#objects.get(key);
    if (!bytes) return undefined;
    const known = this.#digests.get(bytes);
    if (known !== undefined) return known;
    const digest = createHash("sha256").update(bytes).digest("hex");
    this.#digests.set(bytes, digest);
    return digest;
  }
}
