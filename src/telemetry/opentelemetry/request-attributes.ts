import { ATTRIBUTES, PHASE_PREFIX, PHASE_SUFFIX } from "../../domain/attribute-names.ts";
import type { RequestEvent } from "../../domain/event.ts";
import { GEN_AI, GEN_AI_OPERATIONS, GEN_AI_PROVIDER } from "../../domain/gen-ai.ts";

export type AttributeValue = string | number | boolean | readonly string[];
/** `undefined` for those that are left out. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** The operations whose kind generative AI has a name for, by their ids. */
const OPERATION_NAMES: Readonly<Record<string, string>> = {
  createChatCompletion: GEN_AI_OPERATIONS.chat,
  createCompletion: GEN_AI_OPERATIONS.completion,
  createEmbeddings: GEN_AI_OPERATIONS.embeddings,
};

/**
 * What the span of a request says. Not who has made it, nor the subject: what is exported cannot be erased (docs/opentelemetry.md); and no
 * statistics of inputs.
 */
export function toRequestAttributes(event: RequestEvent): Attributes {
  const { isolate, cache, sampling, platform } = event;
  const isRpc = event.protocol === "rpc" || event.method === "RPC";
  return {
    [ATTRIBUTES.method]: isRpc ? undefined : event.method,
    [ATTRIBUTES.route]: isRpc ? undefined : event.route,
    [ATTRIBUTES.status]: isRpc ? undefined : event.status,
    [ATTRIBUTES.rpcSystem]: isRpc ? "cloudflare_workers" : undefined,
    [ATTRIBUTES.rpcMethod]: isRpc ? event.operation : undefined,
    [ATTRIBUTES.errorType]: event.errorCode,
    [ATTRIBUTES.requestId]: event.requestId,
    [ATTRIBUTES.protocol]: event.protocol,
    [ATTRIBUTES.operation]: event.operation,
    [ATTRIBUTES.operationKind]: event.operationKind,
    [ATTRIBUTES.task]: event.task,
    [ATTRIBUTES.model]: event.model,
    [ATTRIBUTES.version]: event.version,
    [ATTRIBUTES.alias]: event.alias,
    [ATTRIBUTES.digest]: event.digest,
    [ATTRIBUTES.coldStart]: event.coldStart,
    [ATTRIBUTES.ownIsolate]: isolate && true,
    [ATTRIBUTES.heapBytes]: event.heapBytes,
    [ATTRIBUTES.inferences]: event.inferences,
    [ATTRIBUTES.executions]: event.executions,
    [ATTRIBUTES.explanationMethod]: event.explanation?.method,
    [ATTRIBUTES.explanationRuns]: event.explanation?.runs,
    [ATTRIBUTES.cache]: cache?.outcome,
    [ATTRIBUTES.cacheTier]: cache?.tier,
    [ATTRIBUTES.cacheReason]: cache?.reason,
    [ATTRIBUTES.dataCenter]: event.dataCenter,
    [ATTRIBUTES.country]: event.country,
    [ATTRIBUTES.bytesIn]: event.bytesIn,
    [ATTRIBUTES.bytesOut]: event.bytesOut,
    [ATTRIBUTES.queueMs]: event.queueMs,
    ...toPhaseAttributes(event),
    [ATTRIBUTES.clock]: event.clock,
    [ATTRIBUTES.samplingRate]: sampling?.rate,
    [ATTRIBUTES.samplingReason]: sampling?.reason,
    [ATTRIBUTES.outcome]: platform?.outcome,
    [ATTRIBUTES.cpuMs]: platform?.cpuMs,
    [ATTRIBUTES.wallMs]: platform?.wallMs,
    ...toGenerationAttributes(event),
  };
}

function toPhaseAttributes({ phasesMs }: RequestEvent): Attributes {
  const entries = Object.entries(phasesMs);
  return Object.fromEntries(
    entries.map(([phase, ms]) => [`${PHASE_PREFIX}${phase}${PHASE_SUFFIX}`, ms]),
  );
}

/** By the conventions for spans of generative AI: of requests that generate tokens, and of embeddings. */
function toGenerationAttributes(event: RequestEvent): Attributes {
  const { generation, operation = "", model, version } = event;
  const name = OPERATION_NAMES[operation];
  if (!generation && name !== GEN_AI_OPERATIONS.embeddings) return {};
  return {
    [GEN_AI.operationName]: name ?? GEN_AI_OPERATIONS.other,
    [GEN_AI.providerName]: GEN_AI_PROVIDER,
    [GEN_AI.requestModel]: model,
    [GEN_AI.responseModel]: model && version && `${model}@${version}`,
    ...(generation && {
      [GEN_AI.outputType]: "text",
      [GEN_AI.inputTokens]: generation[GEN_AI.inputTokens],
      [GEN_AI.cachedTokens]: generation[GEN_AI.cachedTokens],
      [GEN_AI.outputTokens]: generation[GEN_AI.outputTokens],
      [GEN_AI.finishReasons]: generation[GEN_AI.finishReasons],
      [GEN_AI.timeToFirstChunk]: generation[GEN_AI.timeToFirstToken],
      [ATTRIBUTES.tokensPerSecond]: generation.tokensPerSecond,
      [ATTRIBUTES.audioSeconds]: generation.audioSeconds,
      [ATTRIBUTES.aborted]: generation.aborted,
    }),
  };
}
