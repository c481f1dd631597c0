import { ApiError } from "../domain/errors.ts";
import { formatModelId } from "../domain/model-id.ts";
import type { ObjectStore, ReadObject } from "../domain/object-store.ts";
import type { RoutingStore } from "../domain/ports.ts";
import { guarded } from "./guarded.ts";
import {
  fromHistoryKey,
  historyKey,
  historyPrefix,
  manifestKey,
  routingKey,
} from "./model-keys.ts";

/** Of a routing or a part of a history: far more than changes through the API make. */
const MAX_BYTES = 8_388_608;

const ENCODER = new TextEncoder();
const JSON_CONTENT = { contentType: "application/json" } as const;

/** Routings in object storage, by the keys that `docs/storage.md` documents. */
export function createRoutingStore(objects: ObjectStore): RoutingStore {
  return {
    routing: (name) =>
      guarded(`the routing of model "${name}" could not be read`, async () => {
        const object = await objects.get(routingKey(name));
        return object && { value: await readJson(name, object), etag: object.etag };
      }),

    putRouting: (name, value, etag) =>
      guarded(`the routing of model "${name}" could not be written`, async () => {
        const onlyIf = etag === undefined ? ({ absent: true } as const) : { etag };
        const options = { ...JSON_CONTENT, onlyIf };
        return (await objects.put(routingKey(name), toBytes(value), options)) !== undefined;
      }),

    historyParts: (name) =>
      guarded(`the history of model "${name}" could not be listed`, async () => {
        const keys = await Array.fromAsync(objects.list(historyPrefix(name)), ({ key }) => key);
        return keys.flatMap((key) => fromHistoryKey(name, key) ?? []);
      }),

    historyPart: (name, firstRevision) =>
      guarded(`the history of model "${name}" could not be read`, async () => {
        const object = await objects.get(historyKey(name, firstRevision));
        return object && readJson(name, object);
      }),

    putHistoryPart: (name, firstRevision, value) =>
      guarded(`the history of model "${name}" could not be written`, async () => {
        const key = historyKey(name, firstRevision);
        const options = { ...JSON_CONTENT, onlyIf: { absent: true } } as const;
        return (await objects.put(key, toBytes(value), options)) !== undefined;
      }),

    isPublished: (id) =>
      guarded(
        `the manifest of ${formatModelId(id)} could not be read`,
        async () => (await objects.head(manifestKey(id))) !== undefined,
      ),
  };
}

function toBytes(value: object): Uint8Array {
  return ENCODER.encode(`${JSON.stringify(value, null, 1)}\n`);
}

/** @throws ApiError `routing_corrupt` */
async function readJson(name: string, { key, sizeBytes, body }: ReadObject): Promise<unknown> {
  const corrupt = (why: string, cause?: unknown): ApiError =>
    new ApiError("routing_corrupt", `The routing of model "${name}" is corrupt: ${key} ${why}.`, {
      cause,
      details: { model: name, key },
    });
  if (sizeBytes > MAX_BYTES) {
    await body.cancel();
    throw corrupt(`has ${sizeBytes} bytes, over the limit of ${MAX_BYTES}`);
  }
  const text = await new Response(body).text();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw corrupt("is not JSON", cause);
  }
}
