import { createHash } from "node:crypto";
import type { ModelBucket } from "../../scripts/local-worker.ts";
import type { Manifest } from "../../src/domain/manifest.ts";
import type { RuntimeStats } from "../../src/domain/ports.ts";
import { fileKey, manifestKey } from "../../src/storage/model-keys.ts";
import { buildOnnx, type Graph } from "./onnx-builder.ts";
import { type Answer, type Service, type ServiceOptions, startService } from "./service.ts";

export const ADMIN_KEY = "a-key-for-tests";

/** A service whose admin routes are open to the tests. */
export interface AdministeredService extends Service {
  administer(path: string, init?: RequestInit): Promise<Answer>;
  /** Sends a model to `PUT /admin/models/{name}/versions/{version}`. */
  publish(name: string, model: Graph | Uint8Array<ArrayBuffer>, version?: string): Promise<Answer>;
  runtime(): Promise<RuntimeStats>;
}

/** By default none of `models/` is published. */
export async function startAdministeredService({
  vars,
  ...options
}: ServiceOptions = {}): Promise<AdministeredService> {
  const service = await startService({ models: [], ...options, vars: { ADMIN_KEY, ...vars } });
  const administer: AdministeredService["administer"] = (path, init = {}) => {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${ADMIN_KEY}`);
    return service.request(`/admin${path}`, { ...init, headers });
  };
  return {
    ...service,
    administer,
    publish: (name, model, version = "1") =>
      administer(`/models/${name}/versions/${version}`, {
        method: "PUT",
        body: model instanceof Uint8Array ? model : buildOnnx(model),
      }),
    runtime: async () => (await administer("/runtime")).body as RuntimeStats,
  };
}

/**
 * Puts a version into the bucket as if it had been published there, so that nothing is loaded yet.
 * @returns its manifest
 */
export async function store(
  bucket: ModelBucket,
  name: string,
  graph: Graph,
  more: Partial<Manifest> = {},
): Promise<Manifest> {
  const bytes = buildOnnx(graph);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const manifest: Manifest = {
    schemaVersion: 1,
    name,
    version: "1",
    format: "onnx",
    file: "model.onnx",
    files: [{ path: "model.onnx", sha256, sizeBytes: bytes.length }],
    inputs: [...(graph.inputs ?? [])].map(toSpec),
    outputs: [...graph.outputs].map(toSpec),
    cache: { enabled: false, ttlSeconds: 60, scope: "public" },
    runtime: { prepack: true, warmUp: false },
    createdAt: new Date().toISOString(),
    ...more,
  };
  await bucket.put(fileKey(manifest, manifest.file), bytes);
  await bucket.put(manifestKey(manifest), JSON.stringify(manifest));
  return manifest;
}

function toSpec({ name, datatype, shape }: Graph["outputs"][number]): Manifest["outputs"][number] {
  return { name, datatype, shape: [...shape] };
}
