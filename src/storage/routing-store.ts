import { ApiError } from "../domain/errors.ts";
import { formatModelId } from "../domain/model-id.ts";
import type { ObjectStore } from "../domain/object-store.ts";
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
        const read = await readJson(objects, name, routingKey(name));
        return read && { value: read.value, etag: read.etag };
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
        const read = await readJson(objects, name, historyKey(name, firstRevision));
        return read?.value;
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
async function readJson(
  objects: ObjectStore,
  name: string,
  key: string,
): Promise<{ value: unknown; etag: string } | undefined> {
  const corrupt = (why: string, cause?: unknown): ApiError =>
    new ApiError("routing_corrupt", `The routing of model "${name}" is corrupt: ${why}.`, {
      cause,
      details: { model: name, key },
    });
  let text: string;
  let etag: string;
  try {
    const object = await objects.get(key);
    if (!object) return undefined;
    if (object.sizeBytes > MAX_BYTES) {
      await object.body.cancel();
      throw corrupt(`${key} has ${object.sizeBytes} bytes, over the limit of ${MAX_BYTES}`);
    }
    text = await new Response(object.body).text();
    etag = object.etag;
  } catch (error) {
    // An object that cannot be decrypted.
    if (error instanceof ApiError && error.code === "model_corrupt")
      throw new ApiError("routing_corrupt", error.message, {
        cause: error,
        ...(error.details && { details: error.details }),
      });
    throw error;
  }
  try {
    return { value: JSON.parse(text), etag };
  } catch (cause) {
    throw corrupt(`${key} is not JSON`, cause);
  }
}
