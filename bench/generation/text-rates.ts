import { join } from "node:path";
import type { LocalWorker } from "../../scripts/local-worker.ts";
import { rotate, toSpread } from "../statistics.ts";
import type { Table } from "../table.ts";
import { requestTexts } from "./client-texts.ts";
import { CHECKED_BOUNDS, type EngineTexts, runEngineTexts } from "./engine-loop.ts";
import { ALONE, POCKET_GPT, POCKET_GPT_FOLDER, readPocketGpt } from "./generation-worker.ts";
import { readPrompts, TEXTS, type TextsResult, TOKENS, tokensPerSecond } from "./texts.ts";
import { runTransformersJs, type TransformersJs } from "./transformers-js.ts";

const BARE = "bare loop over the engine in Node";
const BARE_CHECKED = "the same loop, with bounds checks as in workerd";
const TRANSFORMERS_JS = "transformers.js in Node, same engine";

interface Variant {
  readonly name: string;
  measure(): Promise<TextsResult>;
}

export type TextRates = ReadonlyMap<string, TextsResult>;

/**
 * Tokens a second of all variants, first another one in each round.
 * @throws Error when the texts of two variants differ
 */
export async function measureTextRates(
  worker: LocalWorker,
  transformersJs: TransformersJs | undefined,
  round: number,
  seconds: number,
): Promise<TextRates> {
  const results = new Map<string, TextsResult>();
  for (const { name, measure } of rotate(variantsOf(worker, transformersJs, seconds), round))
    results.set(name, await measure());
  const expected = JSON.stringify(results.get(BARE)?.ids);
  for (const [name, { ids }] of results)
    if (JSON.stringify(ids) !== expected) throw new Error(`${name} generates other texts`);
  return results;
}

function variantsOf(
  worker: LocalWorker,
  transformersJs: TransformersJs | undefined,
  seconds: number,
): Variant[] {
  const prompts = readPrompts();
  const { postprocess } = readPocketGpt();
  if (postprocess?.type !== "text-generation") throw new Error("the model generates no text");
  const { cache, context } = postprocess;
  const warmUpSeconds = seconds;
  const engineTexts: EngineTexts = {
    modelFile: join(POCKET_GPT_FOLDER, "model.ort"),
    context,
    cache,
    prompts: prompts.map(({ ids }) => ids),
    tokens: TOKENS,
    warmUpSeconds,
    seconds,
  };
  const ofWorker = (name: string, model: string, atOnce: number, stream: boolean): Variant => ({
    name,
    measure: () =>
      requestTexts({
        url: new URL(`/models/${model}`, worker.url).href,
        prompts: prompts.map(({ text }) => text),
        tokens: TOKENS,
        atOnce,
        stream,
        headers: { "cache-control": "no-store" },
        warmUpSeconds,
        seconds,
      }),
  });
  return [
    { name: BARE, measure: () => runEngineTexts(engineTexts) },
    { name: BARE_CHECKED, measure: () => runEngineTexts(engineTexts, [CHECKED_BOUNDS]) },
    ofWorker("Worker, whole", POCKET_GPT, 1, false),
    ofWorker("Worker, streamed", POCKET_GPT, 1, true),
    ofWorker(`Worker, ${TEXTS} at once, whole`, POCKET_GPT, TEXTS, false),
    ofWorker(`Worker, ${TEXTS} at once, streamed`, POCKET_GPT, TEXTS, true),
    ofWorker(`Worker, ${TEXTS} at once, streamed, runs of their own`, ALONE, TEXTS, true),
    ...(transformersJs
      ? [{ name: TRANSFORMERS_JS, measure: () => runTransformersJs(transformersJs, engineTexts) }]
      : []),
  ];
}

export function toRatesTable(rounds: readonly TextRates[]): Table {
  const names = [...(rounds[0]?.keys() ?? [])].sort();
  const ratio = (name: string, to: string): string => {
    const ratios = rounds.flatMap((round) => {
      const [one, other] = [round.get(name), round.get(to)];
      return one && other ? [tokensPerSecond(one) / tokensPerSecond(other)] : [];
    });
    if (ratios.length === 0) return "";
    const { median, min, max } = toSpread(ratios);
    return `${median.toFixed(2)} (${min.toFixed(2)} - ${max.toFixed(2)})`;
  };
  return {
    title: `Texts of ${TOKENS} tokens by pocket-gpt`,
    columns: [
      "",
      "tokens/s",
      "first token, ms",
      "/ bare loop",
      "/ bare loop with bounds checks",
      "/ transformers.js",
    ],
    rows: names.map((name) => {
      const results = rounds.flatMap((round) => round.get(name) ?? []);
      const rate = toSpread(results.map(tokensPerSecond)).median;
      const first = toSpread(results.map(({ firstMs }) => toSpread(firstMs).median)).median;
      const isStreamed = !name.includes("whole");
      return [
        name,
        rate.toFixed(0),
        isStreamed ? first.toFixed(1) : "",
        ratio(name, BARE),
        ratio(name, BARE_CHECKED),
        ratio(name, TRANSFORMERS_JS),
      ];
    }),
  };
}
