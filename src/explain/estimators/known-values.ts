import type { Coalition, Game } from "../game.ts";

/** Coalitions that a game gets at once. */
const CHUNK = 512;

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

  /** Evaluates those that are not known, some after the other. */
  async learn(coalitions: readonly Coalition[]): Promise<void> {
    for (let at = 0; at < coalitions.length; at += CHUNK)
      await this.#evaluate(coalitions.slice(at, at + CHUNK));
  }

  async #evaluate(coalitions: readonly Coalition[]): Promise<void> {
    const { outputs } = this.#game;
    const missing = new Map<string, Coalition>();
    for (const coalition of coalitions) {
      const key = keyOf(coalition);
      if (!this.#values.has(key)) missing.set(key, coalition);
    }
    if (missing.size === 0) return;
    const values = await this.#game.evaluate([...missing.values()]);
    let at = 0;
    for (const key of missing.keys()) {
      this.#values.set(key, values.slice(at, at + outputs));
      at += outputs;
    }
    this.#evaluated += missing.size;
  }

  /** Of a coalition that was learnt. */
  get(coalition: Coalition): Float64Array {
    const values = this.#values.get(keyOf(coalition));
    if (!values) throw new Error("the coalition was not evaluated");
    return values;
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
  return coalition.map((known) => 1 - known);
}
