/// <reference path="../../../worker-configuration.d.ts" />
import faults from "./faults/index.ts";
import faulty from "./faulty/index.ts";
import heldStorage from "./held-storage/index.ts";
import hosts, { type HostsEnv } from "./hosts/index.ts";
import leases from "./leases/index.ts";
import mounted, { type MountedEnv } from "./mounted/index.ts";
import rpcCaller, { type RpcCallerEnv } from "./rpc-caller/index.ts";
import streaming from "./streaming/index.ts";

// Classes that wrangler.toml names.
export * from "../../../src/index.ts";

/** The Workers that only tests use, in one build: the variable `TEST_WORKER` selects one. */
const WORKERS = {
  faults,
  faulty,
  "held-storage": heldStorage,
  hosts,
  leases,
  mounted,
  "rpc-caller": rpcCaller,
  streaming,
};

export type TestWorker = keyof typeof WORKERS;

export default {
  fetch(request, env, context) {
    return WORKERS[env.TEST_WORKER].fetch(request, env, context);
  },
} satisfies ExportedHandler<
  HostsEnv & MountedEnv & RpcCallerEnv & { readonly TEST_WORKER: TestWorker }
>;
