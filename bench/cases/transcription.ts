import wavefile from "wavefile";
import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import { startLocalWorker } from "../../scripts/local-worker.ts";
import { findModel, publishAs } from "../../test/support/publish.ts";
import { readSpeech, spokenRecordings } from "../../test/support/spoken-recordings.ts";
import type { Benchmark } from "../benchmark.ts";
import { rotate, toSpread } from "../statistics.ts";
import { runTranscriptionLoop, type TranscriptionRate } from "../transcription-loop.ts";

const MODEL = "whisper-tiny-en";
const SAMPLE_RATE = 16_000;
const LOOP = "bare loop in Node";
/** The requests of one pass. */
const variants: Readonly<Record<string, readonly Uint8Array<ArrayBuffer>[]>> = {
  "onnxflare, a recording a request": spokenRecordings().map(({ name }) => readSpeech(name).wav),
  "onnxflare, all recordings in one": [joined()],
};
const speechSeconds = spokenRecordings().reduce((sum, { seconds }) => sum + seconds, 0);

type Rates = Record<string, number[]>;

export const transcription: Benchmark = {
  name: "transcription",
  description: "seconds of speech that are transcribed a second, against a bare loop",
  async run({ rounds, seconds, report }) {
    report("building ...");
    const outdir = createTemporaryFolder("bench-onnxflare");
    await buildWorker(outdir);
    const raw: Rates = {};
    for (let round = 0; round < rounds; round++)
      for (const name of rotate([...Object.keys(variants), LOOP], round)) {
        const requests = variants[name];
        const { speechSeconds, seconds: elapsed } = requests
          ? await measureWorker(outdir, requests, seconds)
          : await runTranscriptionLoop(seconds);
        const rate = speechSeconds / elapsed;
        raw[name] ??= [];
        raw[name].push(rate);
        report(`round ${round + 1} of ${rounds}, ${name}: ${rate.toFixed(1)}`);
      }
    return { tables: [toTable(raw)], raw };
  },
};

/** One fresh Worker, one request after the other; a first pass loads the models. */
async function measureWorker(
  outdir: string,
  requests: readonly Uint8Array<ArrayBuffer>[],
  seconds: number,
): Promise<TranscriptionRate> {
  const vars = { EVENT_LOG: "off", CACHE_TIERS: "", TIMEOUT_MS: "600000" };
  const worker = await startLocalWorker({ outdir, vars });
  try {
    const model = findModel(MODEL);
    await publishAs(await worker.bucket(), model, model.manifest);
    const url = new URL(`/models/${MODEL}`, worker.url);
    const pass = async () => {
      for (const body of requests) await transcribe(url, body);
    };
    await pass();
    const start = performance.now();
    let passes = 0;
    do {
      await pass();
      passes++;
    } while (performance.now() - start < seconds * 1000);
    const elapsed = (performance.now() - start) / 1000;
    return { speechSeconds: passes * speechSeconds, seconds: elapsed };
  } finally {
    await worker.dispose();
  }
}

async function transcribe(url: URL, body: Uint8Array<ArrayBuffer>): Promise<void> {
  const headers = { "content-type": "audio/wav" };
  const response = await fetch(url, { method: "POST", headers, body });
  const text = await response.text();
  // Every recording has more words than that.
  if (!response.ok || JSON.parse(text).text.split(" ").length < 5)
    throw new Error(`${MODEL} responded ${response.status}: ${text}`);
}

/** All recordings with half a second of silence between them. */
function joined(): Uint8Array<ArrayBuffer> {
  const pause = new Float32Array(SAMPLE_RATE / 2);
  const parts = spokenRecordings().flatMap(({ name }) => [readSpeech(name).samples, pause]);
  const samples = Int16Array.from(
    parts.flatMap((part) => [...part]),
    (sample) => sample * 32_768,
  );
  const file = new wavefile.WaveFile();
  file.fromScratch(1, SAMPLE_RATE, "16", samples);
  return Uint8Array.from(file.toBuffer());
}

function toTable(raw: Rates) {
  const loop = raw[LOOP] ?? [];
  return {
    title: `${MODEL}, seconds of speech a second`,
    columns: ["", "rate", "(min - max)", "onnxflare / loop", "(min - max)"],
    rows: Object.entries(raw).map(([name, rates]) => {
      const rate = toSpread(rates);
      const ratio = toSpread(rates.map((value, round) => value / (loop[round] ?? Number.NaN)));
      return [
        name,
        rate.median.toFixed(1),
        `(${rate.min.toFixed(1)} - ${rate.max.toFixed(1)})`,
        ratio.median.toFixed(2),
        `(${ratio.min.toFixed(2)} - ${ratio.max.toFixed(2)})`,
      ];
    }),
  };
}
