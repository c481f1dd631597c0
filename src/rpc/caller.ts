/** What Workers use that call the service over RPC: the package's `onnxflare/rpc`, which contains nothing of the service. */
export type * from "./api.ts";
export { readParts } from "./read-parts.ts";
export { readRpcError as readError } from "./rpc-error.ts";
