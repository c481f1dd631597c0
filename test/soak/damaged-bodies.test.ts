import { deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type HeapUsage, watchHeap } from "../../fuzz/heap-usage.ts";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";

/** What bodies that cannot be decompressed leave behind in the isolate, which has 128 MB in a deployment. */

const REQUESTS = 500;
const AT_ONCE = 8;
/** With `DecompressionStream`, 100 KiB of each remained: 40 to 60 MiB. */
const ALLOWED_BYTES = 20 * 2 ** 20;

let worker: LocalWorker;
let heap: HeapUsage;

beforeAll(async () => {
  const vars = { EVENT_LOG: "off", MAX_QUEUE_MS: "1000000" };
  worker = await startLocalWorker({ outdir: inject("workerBuild"), inspected: true, vars });
  heap = await watchHeap(await worker.miniflare.getInspectorURL());
});

afterAll(async () => {
  heap?.close();
  await worker?.dispose();
});

const json = Buffer.from('{"inputs": [5.1, 3.5, 1.4, 0.2]}');
const gzip = gzipSync(json);

test.each([
  ["gzip", "cut", gzip.subarray(0, 20)],
  ["gzip", "damaged", Buffer.from(gzip.map((byte, index) => (index === 12 ? byte ^ 0x55 : byte)))],
  ["deflate", "cut", deflateSync(json).subarray(0, 15)],
])(`${REQUESTS} bodies whose %s data is %s leave no memory behind`, async (coding, _, body) => {
  const before = await heap.read();
  const statuses = new Set<number>();
  let sent = 0;
  const send = async (): Promise<void> => {
    while (sent++ < REQUESTS) {
      const response = await fetch(new URL("/models/iris-logistic", worker.url), {
        method: "POST",
        headers: { "content-type": "application/json", "content-encoding": coding },
        body,
      });
      statuses.add(response.status);
      await response.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, send));
  const after = await heap.read();
  expect([...statuses]).toEqual([400]);
  expect(before).toBeGreaterThan(0);
  expect((after ?? Number.NaN) - (before ?? Number.NaN)).toBeLessThan(ALLOWED_BYTES);
});
