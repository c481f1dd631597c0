/// <reference path="../../../../worker-configuration.d.ts" />
import { createOnnxflare } from "../../../../src/library.ts";
import type { BindingCall, Fault } from "../../../support/faults/fault-plan.ts";
import { withFaults } from "../../../support/faults/faulty-binding.ts";

/**
 * The project's Worker over its real bindings, of which one call has a fault.
 *
 * `PUT /faults` with a {@link PlannedFault} says which, the next one that matches; `GET /faults` returns whether it has happened.
 */
export interface PlannedFault extends Partial<BindingCall> {
  readonly fault: Fault;
}

let planned: PlannedFault | undefined;

const faults = {
  onHang: () => undefined,
  next({ binding, method, key }: BindingCall): Fault | undefined {
    if (!planned) return undefined;
    const { fault, ...expected } = planned;
    const matches =
      (expected.binding ?? binding) === binding &&
      (expected.method ?? method) === method &&
      key.includes(expected.key ?? "");
    if (!matches) return undefined;
    planned = undefined;
    return fault;
  },
};

// The service uses the global.
Object.defineProperty(globalThis, "caches", {
  value: { default: withFaults(caches.default, "DATACENTER", faults) },
});

const onnxflare = createOnnxflare<Env>({
  env: (env) => ({
    ...env,
    MODELS: withFaults(env.MODELS, "MODELS", faults),
    CACHE: withFaults(env.CACHE, "CACHE", faults),
    LOADER: withFaults(env.LOADER, "LOADER", faults),
  }),
});

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== "/faults") return onnxflare.fetch(request, env, context);
    if (request.method === "PUT") planned = await request.json();
    return Response.json({ hasHappened: planned === undefined });
  },
} satisfies ExportedHandler<Env>;
