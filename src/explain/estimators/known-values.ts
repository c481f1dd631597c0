import type { Coalition, Game } from "../game.ts";

/** Coalitions that a game gets at once. */
const CHUNK = 512;

/** The values of coalitions, some after the other. @returns `coalitions.length` times `outputs` */
export async function evaluateAll(
  game: Game,
  coalitions: readonly Coalition[],
): Promise<Float64Array> {
  const values = new Float64Array(coalitions.length * game.outputs);
  for (let at = 0; at < coalitions.length; at += CHUNK)
    values.set(await game.evaluate(coalitions.slice(at, at + CHUNK)), at * game.outputs);
  return values;
}

/** The values of coalitions that were evaluated, each of them once. */
export class KnownValues {
  readonly #game: Game;
  readonly #values = new Map<string, Float64Array>();
  #evaluated = 0;

  constructor(game: Game) {
    this.#game = game;
  }

  /** Coalitions that were evaluated. */
  get evaluated(): number {
    return this.#evaluated;
  }

  /** Numbers that are kept. */
  get size(): number {
    return this.#values.size * this.#game.outputs;
  }

  /** Evaluates those that are not known, some after the other. @returns their values, in their order */
  async learn(coalitions: readonly Coalition[]): Promise<Float64Array[]> {
    const keys = coalitions.map(keyOf);
    const missing = new Map<string, Coalition>();
    for (const [index, key] of keys.entries())
      if (!this.#values.has(key)) missing.set(key, coalitions[index] as Coalition);
    const { outputs } = this.#game;
    const found = await evaluateAll(this.#game, [...missing.values()]);
    let at = 0;
    for (const key of missing.keys()) {
      this.#values.set(key, found.subarray(at, at + outputs));
      at += outputs;
    }
    this.#evaluated += missing.size;
    return keys.map((key) => this.#values.get(key) as Float64Array);
  }

  forget(): void {
    this.#values.clear();
  }
}

/** Sixteen players a character. */
export function keyOf(coalition: Coalition): string {
  let key = "";
  for (let at = 0; at < coalition.length; at += 16) {
    let code = 0;
    const end = Math.min(at + 16, coalition.length);
    for (let player = at; player < end; player++)
      code |= (coalition[player] as number) << (player - at);
    key += String.fromCharCode(code);
  }
  return key;
}

export function nobody(players: number): Coalition {
  return new Uint8Array(players);
}

export function everybody(players: number): Coalition {
  return new Uint8Array(players).fill(1);
}

/** Those that are not in a coalition. */
export function complement(coalition: Coalition): Coalition {
  const others = nobody(coalition.length);
  for (let player = 0; player < others.length; player++)
    others[player] = 1 - (coalition[player] as number);
  return others;
}
