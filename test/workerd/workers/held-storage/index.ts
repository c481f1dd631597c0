/// <reference path="../../../../worker-configuration.d.ts" />
import worker from "../../../../src/index.ts";

/**
 * The project's Worker with a bucket in front that counts the reads of model files, and holds them
 * back while a test holds them: half of the bytes come at once, the others when they are released.
 * Simulated storage is otherwise faster than anything that could happen meanwhile.
 *
 * `POST /storage/hold`, `POST /storage/release` and `GET /storage`, which returns a
 * {@link StorageState}.
 */
export interface StorageState {
  /** How often each object was opened, by key; manifests are not counted. */
  readonly reads: Record<string, number>;
  /** Objects of which half has been read, and the other half is held back. */
  readonly holding: number;
  /** Requests whose clients disconnected before the response. */
  readonly abandoned: number;
}

const state = { reads: {} as Record<string, number>, holding: 0, abandoned: 0 };
let held = false;
/** A minute or more; a test that fails before it releases the storage leaves nothing that waits for ever. */
const MAX_WAITS = 60_000;

export default {
  async fetch(request, env, context) {
    switch (new URL(request.url).pathname) {
      case "/storage/hold":
        held = true;
        return Response.json(state);
      case "/storage/release":
        held = false;
        return Response.json(state);
      case "/storage":
        return Response.json(state satisfies StorageState);
    }
    request.signal.addEventListener("abort", () => {
      state.abandoned += 1;
    });
    return worker.fetch(request, { ...env, MODELS: watch(env.MODELS) }, context);
  },
} satisfies ExportedHandler<Env>;

function watch(bucket: R2Bucket): R2Bucket {
  const get = async (key: string): Promise<R2ObjectBody | null> => {
    const object = await bucket.get(key);
    if (!object || key.endsWith("manifest.json")) return object;
    state.reads[key] = (state.reads[key] ?? 0) + 1;
    const { size } = object;
    return new Proxy(object, {
      get: (target, property) =>
        property === "body" ? hold(target.body, size) : Reflect.get(target, property),
    });
  };
  return new Proxy(bucket, {
    get(target, property) {
      if (property === "get") return get;
      const value = Reflect.get(target, property);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Half of the body at once, the other half when it may come. */
function hold(body: ReadableStream<Uint8Array>, size: number): ReadableStream<Uint8Array> {
  let received = 0;
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      async transform(chunk, controller) {
        received += chunk.byteLength;
        if (received > size / 2) {
          state.holding += 1;
          for (let waits = 0; held && waits < MAX_WAITS; waits++) await scheduler.wait(1);
          state.holding -= 1;
        }
        controller.enqueue(chunk);
      },
    }),
  );
}
