import type { LocalWorker } from "../../scripts/local-worker.ts";
import { toSpread } from "../statistics.ts";
import type { Table } from "../table.ts";
import { requestTexts } from "./client-texts.ts";
import { POCKET_GPT } from "./generation-worker.ts";

const SENTENCE =
  "The lawyer folded his papers, and the clerk looked out of the window at the rain. ";
/** About 20 tokens each. */
const SENTENCES = [5, 15, 40];
const NEXT = "On the next day they met again.";
const TURNS = 3;

/** Milliseconds until the first token of a second turn, by the sentences of the first. */
export interface SecondTurns {
  readonly sentences: number;
  readonly keptMs: number;
  readonly readMs: number;
}

/** Second turns with the beginning that the first one left, and without it. */
export async function measureSecondTurns(
  worker: LocalWorker,
  round: number,
): Promise<SecondTurns[]> {
  const request = async (prompt: string, headers: Readonly<Record<string, string>>) => {
    const { firstMs } = await requestTexts({
      url: new URL(`/models/${POCKET_GPT}`, worker.url).href,
      prompts: [prompt],
      tokens: 4,
      atOnce: 1,
      stream: true,
      // Of clients without a key nothing is kept.
      headers: { authorization: "Bearer bench", ...headers },
      warmUpSeconds: 0,
      seconds: 0,
    });
    return firstMs[0] ?? Number.NaN;
  };
  const measured: SecondTurns[] = [];
  for (const sentences of SENTENCES) {
    const kept: number[] = [];
    const read: number[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      const first = `${round}.${turn}.${sentences} ${SENTENCE.repeat(sentences)}`;
      await request(first, {});
      kept.push(await request(first + NEXT, {}));
      read.push(await request(first + NEXT, { "cache-control": "no-store" }));
    }
    const keptMs = toSpread(kept).median;
    measured.push({ sentences, keptMs, readMs: toSpread(read).median });
  }
  return measured;
}

export function toSecondTurnTable(rounds: readonly (readonly SecondTurns[])[]): Table {
  return {
    title: "Until the first token of a second turn",
    columns: ["first turn", "kept, ms", "read again, ms", "read again / kept"],
    rows: SENTENCES.map((sentences, index) => {
      const all = rounds.flatMap((round) => round[index] ?? []);
      const ratio = toSpread(all.map(({ keptMs, readMs }) => readMs / keptMs));
      return [
        `about ${sentences * 20} tokens`,
        toSpread(all.map(({ keptMs }) => keptMs)).median.toFixed(1),
        toSpread(all.map(({ readMs }) => readMs)).median.toFixed(1),
        `${ratio.median.toFixed(1)} (${ratio.min.toFixed(1)} - ${ratio.max.toFixed(1)})`,
      ];
    }),
  };
}
