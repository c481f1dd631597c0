import type { RuntimeStats } from "../../src/domain/ports.ts";
import { buildOnnx, type Graph } from "./onnx-builder.ts";
import { type Answer, type Service, type ServiceOptions, startService } from "./service.ts";

export const ADMIN_KEY = "a-key-for-tests";

/** A service with an admin key for the tests. */
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
