import { expect, test } from "vitest";
import { readEventStream } from "../../../../packages/ui/src/api/event-stream.ts";

async function read(text: string, partBytes: number): Promise<string[]> {
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += partBytes)
        controller.enqueue(bytes.slice(at, at + partBytes));
      controller.close();
    },
  });
  const found: string[] = [];
  for await (const data of readEventStream(body)) found.push(data);
  return found;
}

test("server-sent events are read in whatever parts they arrive", async () => {
  const text =
    ': a comment\n\ndata: {"a":"é"}\n\nevent: error\ndata: one\ndata: two\n\ndata:x\r\n\r\ndata: cut off';
  for (const partBytes of [1, 2, 7, 1000])
    expect(await read(text, partBytes)).toEqual(['{"a":"é"}', "one\ntwo", "x"]);
});
