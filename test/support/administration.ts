import { expect } from "vitest";
import type { RuntimeStats } from "../../src/domain/ports.ts";
import { buildOnnx, type Graph } from "./onnx-builder.ts";
import { type Service, type ServiceOptions, startService, type TestResponse } from "./service.ts";

export const ADMIN_KEY = "a-key-for-tests";

/** `GET /admin/runtime`: the shared isolate, and the isolates of single models. */
export interface RuntimeView extends RuntimeStats {
  readonly isolates: readonly (RuntimeStats & {
    readonly model: { readonly name: string; readonly version: string; readonly digest: string };
  })[];
}

/** A service with an admin key for the tests. */
export interface AdministeredService extends Service {
  administer(path: string, init?: RequestInit): Promise<TestResponse>;
  /** Sends a model to `PUT /admin/models/{name}/versions/{version}`. */
  publish(
    name: string,
    model: Graph | Uint8Array<ArrayBuffer>,
    version?: string,
  ): Promise<TestResponse>;
  runtime(): Promise<RuntimeView>;
  /** Removes every model from memory, which leaves the runtime without a cell, and without isolates of models. */
  unloadAll(): Promise<void>;
}

/** By default none of `models/` is published. */
export async function startAdministeredService({
  vars,
  ...options
}: ServiceOptions = {}): Promise<AdministeredService> {
  const service = await startService({ models: [], ...options, vars: { ADMIN_KEY, ...vars } });
  const authorized = (path: string, init: RequestInit = {}): Promise<TestResponse> => {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${ADMIN_KEY}`);
    return service.request(path, { ...init, headers });
  };
  const administer: AdministeredService["administer"] = (path, init) =>
    authorized(`/admin${path}`, init);
  const runtime = async (): Promise<RuntimeView> =>
    (await administer("/runtime")).body as RuntimeView;
  return {
    ...service,
    administer,
    publish: (name, model, version = "1") =>
      administer(`/models/${name}/versions/${version}`, {
        method: "PUT",
        body: model instanceof Uint8Array ? model : buildOnnx(model),
      }),
    runtime,
    async unloadAll() {
      const { cells, isolates } = await runtime();
      const names = new Set([
        ...cells.flatMap(({ models }) => models.map(({ name }) => name)),
        ...isolates.map(({ model }) => model.name),
      ]);
      for (const name of names)
        await authorized(`/v2/repository/models/${name}/unload`, { method: "POST" });
      expect(await runtime()).toMatchObject({ cells: [], isolates: [] });
    },
  };
}
