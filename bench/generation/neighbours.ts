import type { LocalWorker } from "../../scripts/local-worker.ts";
import { applyOpenLoop, type Percentiles } from "../open-loop.ts";
import { toSpread } from "../statistics.ts";
import type { Table } from "../table.ts";
import { requestTexts } from "./client-texts.ts";
import { IRIS, POCKET_GPT } from "./generation-worker.ts";
import { readPrompts, TEXTS, TOKENS } from "./texts.ts";

const RATE = 50;
const MIN_SECONDS = 5;
const IRIS_BODY = JSON.stringify({ inputs: [5.1, 3.5, 1.4, 0.2] });
/** More than 900 tokens. */
const LONG_PROMPT = "The river was high that spring, and nobody crossed it. ".repeat(64);

const LOADS = [
  { name: "nothing", texts: 0, long: false },
  { name: "a text", texts: 1, long: false },
  { name: `${TEXTS} texts`, texts: TEXTS, long: false },
  { name: `${TEXTS} texts, and prompts of 900 tokens`, texts: TEXTS, long: true },
] as const;

/** Latencies of requests to a small model, by what pocket-gpt generates meanwhile. */
export type Neighbours = readonly Percentiles[];

export async function measureNeighbours(worker: LocalWorker, seconds: number): Promise<Neighbours> {
  const measured: Percentiles[] = [];
  const duration = Math.max(seconds, MIN_SECONDS);
  const textsOf = (prompts: readonly string[], tokens: number, atOnce: number) =>
    requestTexts({
      url: new URL(`/models/${POCKET_GPT}`, worker.url).href,
      prompts,
      tokens,
      atOnce,
      stream: true,
      headers: { "cache-control": "no-store" },
      warmUpSeconds: 0,
      // Longer than the small model is measured.
      seconds: duration + 2,
    });
  for (const { texts, long } of LOADS) {
    const prompts = readPrompts().map(({ text }) => text);
    const loads = [
      ...(texts > 0 ? [textsOf(prompts, TOKENS, texts)] : []),
      ...(long ? [textsOf([LONG_PROMPT], 1, 1)] : []),
    ];
    const { responses, failed } = await applyOpenLoop({
      url: new URL(`/models/${IRIS}`, worker.url).href,
      body: IRIS_BODY,
      perSecond: RATE,
      seconds: duration,
      connections: 100,
    });
    await Promise.all(loads);
    const answered = responses[200];
    if (failed > 0 || !answered) throw new Error("requests to the small model failed");
    measured.push(answered.latencyMs);
  }
  return measured;
}

export function toNeighboursTable(rounds: readonly Neighbours[]): Table {
  return {
    title: `${IRIS} at ${RATE} requests/s beside pocket-gpt, ms`,
    columns: ["pocket-gpt generates", "p50", "p99", "(max)"],
    rows: LOADS.map(({ name }, index) => {
      const all = rounds.flatMap((round) => round[index] ?? []);
      return [
        name,
        toSpread(all.map(({ p50 }) => p50)).median.toFixed(1),
        toSpread(all.map(({ p99 }) => p99)).median.toFixed(1),
        Math.max(...all.map(({ max }) => max)).toFixed(1),
      ];
    }),
  };
}
