import { setTimeout as pause } from "node:timers/promises";
import type { ModelBucket } from "../../scripts/local-worker.ts";
import { findModel, publishAs } from "./publish.ts";

/** Requests of all kinds, and the numbers that `GET /metrics` must have after them. */

const TABLE = "iris-logistic";
const TEXT = "pocket-gpt";

/** Two versions of a small model, and one that generates text. */
export async function publishMetricModels(bucket: ModelBucket): Promise<void> {
  for (const version of ["1", "2"])
    await publishAs(bucket, findModel(TABLE), { name: TABLE, version });
  await publishAs(bucket, findModel(TEXT), { name: TEXT, version: "1" });
}

const ROW = [5.1, 3.5, 1.4, 0.2];

/** Sends the requests one after the other; needs the cache of the isolate, and that anybody may predict. */
export async function sendMetricTraffic(origin: string): Promise<void> {
  async function send(path: string, body: object | undefined, status: number): Promise<void> {
    const response = await fetch(new URL(path, origin), {
      ...(body && { method: "POST", body: JSON.stringify(body) }),
      headers: { "content-type": "application/json" },
    });
    const text = await response.text();
    if (response.status !== status)
      throw new Error(`${path}: ${response.status} instead of ${status}: ${text}`);
  }
  const infer = (rows: readonly number[][], version = "1", status = 200): Promise<void> => {
    const shape = [rows.length, rows[0]?.length ?? 0];
    const inputs = [{ name: "features", datatype: "FP32", shape, data: rows.flat() }];
    return send(`/v2/models/${TABLE}/versions/${version}/infer`, { inputs }, status);
  };
  for (let index = 0; index < 3; index++) await infer([[...ROW.slice(1), index]]);
  await infer([[...ROW.slice(1), 0]]);
  await infer([ROW, ROW, ROW, ROW, ROW]);
  await infer([ROW.slice(1)], "1", 400);
  await infer([ROW], "2");
  await send("/v2/models/no-such-model/infer", { inputs: [] }, 404);
  await send("/v1/completions", { model: TEXT, prompt: "Once", max_tokens: 4, seed: 1 }, 200);
  await send("/v2/health/live", undefined, 200);
  await send("/no-such-route", undefined, 404);
}

/** Samples by their text before the value; those that depend on time or memory are left out. */
export const EXPECTED_METRICS: Readonly<Record<string, number>> = {
  ...of(TABLE, "1", {
    nv_inference_request_success: 5,
    "nv_inference_request_failure reason=OTHER": 1,
    "nv_inference_request_failure reason=BACKEND": 0,
    "nv_inference_request_failure reason=CANCELED": 0,
    "nv_inference_request_failure reason=REJECTED": 0,
    nv_inference_count: 8,
    nv_inference_exec_count: 4,
    nv_cache_num_hits_per_model: 1,
    nv_cache_num_misses_per_model: 4,
    "onnxflare_requests_total status=200 code=": 5,
    "onnxflare_requests_total status=400 code=invalid_shape": 1,
    "onnxflare_operations_total operation=infer": 6,
    onnxflare_request_duration_seconds_count: 6,
    "onnxflare_request_duration_seconds_bucket le=+Inf": 6,
    "onnxflare_request_duration_seconds_bucket le=30": 6,
    "onnxflare_phase_duration_seconds_count phase=infer": 4,
    "onnxflare_cache_requests_total outcome=hit": 1,
    "onnxflare_cache_hits_total tier=isolate": 1,
    onnxflare_cold_starts_total: 1,
  }),
  ...of(TABLE, "2", { nv_inference_request_success: 1, nv_inference_count: 1 }),
  ...of(TEXT, "1", {
    nv_inference_request_success: 1,
    "onnxflare_tokens_total kind=output": 4,
    onnxflare_time_to_first_token_seconds_count: 1,
    "nv_inference_first_response_histogram_ms_bucket le=+Inf": 1,
  }),
  ...of("", "", {
    "onnxflare_requests_total status=404 code=model_not_found": 1,
    "onnxflare_requests_total status=404 code=route_not_found": 1,
    "onnxflare_operations_total operation=getLive": 1,
  }),
  onnxflare_metrics_shards_unreachable: 0,
};

/** In Prometheus' form, without those that are 0 because nothing like that has happened. */
function of(
  model: string,
  version: string,
  values: Readonly<Record<string, number>>,
): Record<string, number> {
  const samples = Object.entries(values).map(([key, value]) => {
    const [name, ...labels] = key.split(" ");
    const pairs = [`model=${model}`, `version=${version}`, ...labels].map((each) =>
      each.replace(/=(.*)$/, '="$1"'),
    );
    return [`${name}{${pairs.join(",")}}`, value] as const;
  });
  return Object.fromEntries(samples);
}

/** The samples of a text, by what is before their values. */
export function parseMetrics(text: string): Map<string, number> {
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    samples.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** Samples of counters, summaries and histograms, which only grow. */
const GROWING = /^(nv_\w+|\w+_(total|count|sum|bucket))(\{|$)/;
const MAX_READS = 80;
/** Numbers are read from the collector once a second. */
const PAUSE_MS = 250;

/**
 * Reads the text until it has {@link EXPECTED_METRICS}.
 * @throws Error that names the samples that are wrong, and a counter that went down
 */
export async function awaitMetrics(origin: string): Promise<string> {
  let before = new Map<string, number>();
  for (let reads = 0; reads < MAX_READS; reads++) {
    const response = await fetch(new URL("/metrics", origin));
    const text = await response.text();
    if (!response.ok) throw new Error(`/metrics: ${response.status} ${text}`);
    const samples = parseMetrics(text);
    for (const [sample, value] of before)
      if (GROWING.test(sample) && !((samples.get(sample) ?? 0) >= value))
        throw new Error(`${sample} was ${value}, and is ${samples.get(sample)}`);
    if (wrongIn(samples).length === 0) return text;
    before = samples;
    await pause(PAUSE_MS);
  }
  throw new Error(`/metrics is not complete: ${wrongIn(before).join("; ")}`);
}

function wrongIn(samples: ReadonlyMap<string, number>): string[] {
  return Object.entries(EXPECTED_METRICS)
    .filter(([sample, value]) => samples.get(sample) !== value)
    .map(([sample, value]) => `${sample} is ${samples.get(sample)} instead of ${value}`);
}
