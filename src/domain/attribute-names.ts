/**
 * Names of attributes beside those of generative AI (`gen-ai.ts`): those of OpenTelemetry's conventions
 * (@opentelemetry/semantic-conventions 1.45), and for the rest the service's own.
 */
export const ATTRIBUTES = {
  method: "http.request.method",
  route: "http.route",
  status: "http.response.status_code",
  bytesIn: "http.request.body.size",
  bytesOut: "http.response.body.size",
  rpcSystem: "rpc.system.name",
  rpcMethod: "rpc.method",
  errorType: "error.type",
  coldStart: "faas.coldstart",
  country: "geo.country.iso_code",
  dataCenter: "cloudflare.colo",
  requestId: "onnxflare.request.id",
  traceId: "onnxflare.trace.id",
  protocol: "onnxflare.protocol",
  operation: "onnxflare.operation",
  operationKind: "onnxflare.operation.kind",
  task: "onnxflare.task",
  model: "onnxflare.model.name",
  version: "onnxflare.model.version",
  alias: "onnxflare.model.alias",
  digest: "onnxflare.model.digest",
  ownIsolate: "onnxflare.isolate.own",
  heapBytes: "onnxflare.heap.bytes",
  inferences: "onnxflare.inferences",
  executions: "onnxflare.executions",
  explanationMethod: "onnxflare.explanation.method",
  explanationRuns: "onnxflare.explanation.runs",
  cache: "onnxflare.cache.outcome",
  cacheTier: "onnxflare.cache.tier",
  cacheReason: "onnxflare.cache.reason",
  queueMs: "onnxflare.queue.ms",
  clock: "onnxflare.clock",
  samplingRate: "onnxflare.sampling.rate",
  samplingReason: "onnxflare.sampling.reason",
  tokensPerSecond: "onnxflare.tokens_per_second",
  audioSeconds: "onnxflare.audio.seconds",
  aborted: "onnxflare.aborted",
  outcome: "onnxflare.invocation.outcome",
  cpuMs: "onnxflare.invocation.cpu_ms",
  wallMs: "onnxflare.invocation.wall_ms",
} as const;

/** The duration of a phase, by its name. */
export const PHASE_PREFIX = "onnxflare.phase.";
export const PHASE_SUFFIX = ".ms";

/** Of events other than those of requests: the kind, and each field. */
export const EVENT_PREFIX = "onnxflare.";
