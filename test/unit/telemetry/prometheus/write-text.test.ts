import { expect, test, vi } from "vitest";
import type { MetricFamily } from "../../../../src/telemetry/prometheus/family.ts";
import type { MetricsReading } from "../../../../src/telemetry/prometheus/reading.ts";
import { writeText } from "../../../../src/telemetry/prometheus/write-text.ts";

/** The rules are those of https://prometheus.io/docs/instrumenting/exposition_formats. */

const READING = {} as MetricsReading;
const write = (...families: MetricFamily[]) => writeText(families, READING, async () => undefined);

test("a number has its labels, escaped, in the order of the family", async () => {
  const samples = () =>
    [
      [["a", 'says "hi"'], 1],
      [["b", "back\\slash\nline"], 0.0001],
    ] as const;
  const text = await write({
    name: "onnxflare_a_total",
    type: "counter",
    help: 'One "line" \\ or\ntwo.',
    labels: ["model", "label"],
    samples,
  });
  expect(text).toBe(`# HELP onnxflare_a_total One "line" \\\\ or\\ntwo.
# TYPE onnxflare_a_total counter
onnxflare_a_total{model="a",label="says \\"hi\\""} 1
onnxflare_a_total{model="b",label="back\\\\slash\\nline"} 0.0001
`);
});

test("numbers that are not finite have Prometheus' names", async () => {
  const samples = () =>
    [
      [["a"], Number.POSITIVE_INFINITY],
      [["b"], Number.NEGATIVE_INFINITY],
      [["c"], Number.NaN],
      [["d"], 1e21],
    ] as const;
  const text = await write({ name: "a", type: "gauge", help: "A.", labels: ["b"], samples });
  expect(text.split("\n").slice(2, -1)).toEqual([
    'a{b="a"} +Inf',
    'a{b="b"} -Inf',
    'a{b="c"} NaN',
    'a{b="d"} 1e+21',
  ]);
});

test("half a character of a label becomes a replacement character", async () => {
  const samples = () => [[["\ud83d"], 1]] as const;
  const text = await write({ name: "a", type: "gauge", help: "A.", labels: ["b"], samples });
  expect(text).toContain('a{b="\ufffd"} 1\n');
});

test("a histogram has its buckets, of which the last one has all", async () => {
  const text = await write({
    name: "onnxflare_a_seconds",
    type: "histogram",
    help: "A.",
    labels: ["model"],
    bounds: [0.0005, 1],
    samples: () => [[["m"], { count: 7, sum: 3.5, cumulative: [2, 6] }]],
  });
  expect(text).toBe(`# HELP onnxflare_a_seconds A.
# TYPE onnxflare_a_seconds histogram
onnxflare_a_seconds_bucket{model="m",le="0.0005"} 2
onnxflare_a_seconds_bucket{model="m",le="1"} 6
onnxflare_a_seconds_bucket{model="m",le="+Inf"} 7
onnxflare_a_seconds_sum{model="m"} 3.5
onnxflare_a_seconds_count{model="m"} 7
`);
});

test("without labels there are no braces, and a bucket has its bound alone", async () => {
  const value = { count: 1, sum: 2, cumulative: [1] };
  const common = { help: "A.", labels: [] };
  const text = await write(
    { ...common, name: "a", type: "gauge", samples: () => [[[], 1]] },
    { ...common, name: "b", type: "summary", samples: () => [[[], value]] },
    { ...common, name: "c", type: "histogram", bounds: [3], samples: () => [[[], value]] },
  );
  expect(text.split("\n").filter((line) => !line.startsWith("#"))).toEqual([
    "a 1",
    "b_sum 2",
    "b_count 1",
    'c_bucket{le="3"} 1',
    'c_bucket{le="+Inf"} 1',
    "c_sum 2",
    "c_count 1",
    "",
  ]);
});

test("a family without samples is left out", async () => {
  const none = { name: "a", type: "gauge", help: "A.", labels: [], samples: () => [] } as const;
  expect(await write(none)).toBe("");
  const some = { ...none, name: "b", samples: () => [[[], 1]] as const };
  expect(await write(none, some, none)).toBe(
    "# HELP b B.\n# TYPE b gauge\nb 1\n".replace("B", "A"),
  );
});

test("a long text lets others work, and ends with its client", async () => {
  const family: MetricFamily = {
    name: "a",
    type: "gauge",
    help: "A.",
    labels: ["b"],
    *samples() {
      for (let index = 0; index < 10_000; index++) yield [[String(index)], index];
    },
  };
  const checkpoint = vi.fn(async () => undefined);
  const text = await writeText([family], READING, checkpoint);
  expect(text.split("\n")).toHaveLength(10_003);
  expect(checkpoint).toHaveBeenCalledTimes(10);
  const gone = new Error("the client has gone");
  await expect(
    writeText([family], READING, async () => {
      throw gone;
    }),
  ).rejects.toBe(gone);
});
