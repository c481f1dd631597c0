/// <reference path="../../worker-configuration.d.ts" />
import { EngineSnapshot } from "../../src/runtime/engine-snapshot.ts";
import { OrtInstance } from "../../src/runtime/ort-instance.ts";
import { instantiateOrtModule } from "../../src/runtime/ort-module.ts";
import { OrtSession } from "../../src/runtime/ort-session.ts";

const BLOCK_BYTES = 4096;

/**
 * Returns the memory of an engine in workerd: `GET /fresh` after its instantiation, `POST /started` after
 * its start and after it has loaded and released the ONNX model of the body, `POST /restored`
 * after restoring the snapshot of the body (409 when the snapshot does not match). `POST /free` returns the number of
 * bytes that such an engine can allocate before its memory grows.
 */
const handlers: Record<string, (body: Uint8Array<ArrayBuffer>) => Promise<Response>> = {
  async "/fresh"() {
    const { module, memory } = await instantiateOrtModule();
    return respond(memory, module.stackSave());
  },
  async "/started"(model) {
    const instance = await OrtInstance.create(() => true);
    const address = instance.allocate(model.byteLength);
    instance.heap.set(model, address);
    const options = { format: "onnx", prepack: true } as const;
    new OrtSession(instance, address, model.byteLength, options).release();
    return respond(instance.heap, instance.module.stackSave());
  },
  async "/restored"(snapshot) {
    const { module, memory } = await instantiateOrtModule();
    const fits = new EngineSnapshot(snapshot.buffer).restore(memory, module.stackSave());
    return fits ? respond(memory, module.stackSave()) : new Response(null, { status: 409 });
  },
  async "/free"(snapshot) {
    const instance = await OrtInstance.create(() => false, new EngineSnapshot(snapshot.buffer));
    let blocks = 0;
    while (instance.module._malloc(BLOCK_BYTES) !== 0) blocks++;
    return Response.json(blocks * BLOCK_BYTES);
  },
};

// biome-ignore lint/style/noDefaultExport: workerd takes a Worker's handlers from its default export.
export default {
  async fetch(request) {
    const handler = handlers[new URL(request.url).pathname];
    if (!handler) return new Response(null, { status: 404 });
    return handler(new Uint8Array(await request.arrayBuffer()));
  },
} satisfies ExportedHandler;

function respond({ buffer }: { readonly buffer: ArrayBufferLike }, stackPointer: number): Response {
  const headers = { "x-stack-pointer": `${stackPointer}` };
  // A copy, because the engine's memory is shared and a body cannot be.
  return new Response(new Uint8Array(buffer).slice(), { headers });
}
