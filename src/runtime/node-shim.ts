// Stands in for Node's `module` and `worker_threads`, which the glue code of onnxruntime-web
// imports in a branch that does not run in a Worker (see [alias] in wrangler.toml).
export {};
