import { createHash } from "node:crypto";
import type { ModelHost } from "../../../src/domain/model-host.ts";
import type { ModelId } from "../../../src/domain/model-id.ts";
import { createCatalog } from "../../../src/registry/catalog.ts";
import {
  createGarbageCollector,
  type GarbageCollector,
} from "../../../src/registry/collect-garbage.ts";
import { createVersionDeleter, type VersionDeleter } from "../../../src/registry/delete-version.ts";
import { createPublisher } from "../../../src/registry/publish.ts";
import type { PublishRequest } from "../../../src/registry/publishing/publish-request.ts";
import { createRouter, type Router } from "../../../src/registry/routing/router.ts";
import {
  createRoutingEditor,
  type RoutingEditor,
} from "../../../src/registry/routing/routing-editor.ts";
import { createTombstones } from "../../../src/registry/tombstones.ts";
import { createUploads } from "../../../src/registry/uploads.ts";
import { createModelStore } from "../../../src/storage/model-store.ts";
import { createObjectInventory } from "../../../src/storage/object-inventory.ts";
import { createRoutingStore } from "../../../src/storage/routing-store.ts";
import { createUploadStore } from "../../../src/storage/upload-store.ts";
import { streamOf } from "./faulty-object-store.ts";
import type { SimulatedIsolate } from "./simulation.ts";

/** How long listings stay fresh. */
export const TTL_SECONDS = 10;

/** What an isolate does of the life of models, with the code of the service. */
export interface LifecycleIsolate {
  readonly editor: RoutingEditor;
  readonly router: Router;
  readonly deleter: VersionDeleter;
  readonly collector: GarbageCollector;
  /** Publishes a version; returns the text of its manifest, or what it would be. */
  publish(id: ModelId, request: Omit<PublishRequest, "author" | "model">): Promise<string>;
  /** Publishes a version of one model file. */
  publishFile(id: ModelId, model: Uint8Array<ArrayBuffer>, force: boolean): Promise<string>;
  upload(id: ModelId, path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** The SHA-256 of a file, in hexadecimal; `undefined` when it is missing. */
  readDigest(id: ModelId, path: string): Promise<string | undefined>;
}

/** @param life of the isolate, whose storage everything uses */
export function createLifecycleIsolate(life: SimulatedIsolate): LifecycleIsolate {
  const { objects } = life;
  const store = { ...createModelStore(objects), ...createRoutingStore(objects) };
  const inventory = createObjectInventory(objects);
  const catalog = createCatalog(store, { listingTtlSeconds: TTL_SECONDS });
  const wait = (): Promise<void> => life.compute("waits");
  const editor = createRoutingEditor(store, { wait, onChange: catalog.forget });
  const host = createStubHost(life);
  const deleter = createVersionDeleter({
    inventory,
    store,
    editor,
    wait,
    effects: {
      forget: async ({ name }) => catalog.forget(name),
      purge: ({ version }) => life.compute(`purges version ${version}`),
    },
  });
  const uploadStore = createUploadStore(objects);
  const uploads = createUploads(store, uploadStore);
  const publisher = createPublisher(store, uploadStore, host, catalog, {
    maxModelBytes: 1_000_000,
    exportBudget: { bytes: 1_000_000_000, setting: "MEMORY_BUDGET_BYTES" },
    tombstones: createTombstones(store, editor),
  });
  const publish = async (id: ModelId, request: Omit<PublishRequest, "author">): Promise<string> => {
    const author = { by: "key:00000000" };
    const { manifestText } = await publisher.publish(id, { ...request, author }, () => undefined);
    return manifestText;
  };
  return {
    editor,
    router: createRouter(catalog),
    deleter,
    collector: createGarbageCollector({ inventory, routings: store, deleter }),
    publish,
    publishFile: (id, bytes, force) => {
      const model = { body: streamOf([bytes]), sizeBytes: bytes.byteLength, digests: {} };
      return publish(id, { model, force });
    },
    async upload(id, path, bytes) {
      await uploads.put(id, { path, body: streamOf([bytes]), sizeBytes: bytes.byteLength });
    },
    async readDigest(id, path) {
      const file = await store.file(id, path);
      if (!file) return undefined;
      const hash = createHash("sha256");
      for await (const chunk of file.body) hash.update(chunk);
      return hash.digest("hex");
    },
  };
}

/** A host that knows a model's inputs and outputs without an engine; how long it takes is for the schedule to decide. */
function createStubHost(life: SimulatedIsolate): ModelHost {
  const unused = (): never => {
    throw new Error("no model runs in a simulation");
  };
  return {
    infer: unused,
    execute: unused,
    load: ({ manifest }) => life.compute(`loads version ${manifest.version}`),
    state: unused,
    stats: unused,
    unload: async () => false,
    dropKept: async () => ({ dropped: 0, unreached: 0 }),
    async describe({ path }) {
      await life.compute(`loads ${path}`);
      return {
        inputs: [{ name: "x", datatype: "FP32", shape: [-1] }],
        outputs: [{ name: "y", datatype: "FP32", shape: [-1] }],
      };
    },
  };
}
