import type { InputStatistics } from "../event.ts";
import type { Feature } from "./feature-plan.ts";
import { NumericGatherer } from "./numeric-gatherer.ts";
import { languageOf } from "./text-language.ts";

/** Gathers the values of one input or column. */
export interface FeatureGatherer {
  number(value: number): void;
  text(value: string): void;
  statistics(): InputStatistics;
}

/** @param isText whether the input has strings */
export function createFeatureGatherer(feature: Feature, isText: boolean): FeatureGatherer {
  if (feature.categories) return new CategoryGatherer(feature);
  return isText ? new TextGatherer(feature.name, feature.edges) : new NumberGatherer(feature);
}

class NumberGatherer implements FeatureGatherer {
  readonly #name: string;
  readonly #numbers: NumericGatherer;

  constructor({ name, edges }: Feature) {
    this.#name = name;
    this.#numbers = new NumericGatherer(edges);
  }

  number(value: number): void {
    this.#numbers.add(value);
  }

  text(): void {
    this.#numbers.missing += 1;
  }

  statistics(): InputStatistics {
    return this.#numbers.toStatistics(this.#name);
  }
}

class CategoryGatherer implements FeatureGatherer {
  readonly #feature: Feature;
  readonly #counts: number[] | undefined;
  #count = 0;
  #missing = 0;

  constructor(feature: Feature) {
    this.#feature = feature;
    const size = feature.categories?.size ?? 0;
    this.#counts = size > 0 ? new Array(size).fill(0) : undefined;
  }

  number(value: number): void {
    if (Number.isNaN(value)) this.#missing += 1;
    else this.#add(value);
  }

  text(value: string): void {
    this.#add(value);
  }

  #add(value: number | string): void {
    this.#count += 1;
    const place = this.#counts && this.#feature.categories?.placeOf(value);
    if (this.#counts && place !== undefined) (this.#counts[place] as number) += 1;
  }

  statistics(): InputStatistics {
    const { name } = this.#feature;
    return {
      name,
      kind: "category",
      count: this.#count,
      missing: this.#missing,
      counts: this.#counts && [...this.#counts],
    };
  }
}

/** Lengths and languages of texts. */
export class TextGatherer implements FeatureGatherer {
  readonly #name: string;
  readonly #lengths: NumericGatherer;
  readonly #languages: Record<string, number> = {};

  constructor(name: string, edges: readonly number[] | undefined) {
    this.#name = name;
    this.#lengths = new NumericGatherer(edges);
  }

  number(): void {
    this.#lengths.missing += 1;
  }

  text(value: string): void {
    this.#lengths.add(value.length);
    const language = languageOf(value);
    this.#languages[language] = (this.#languages[language] ?? 0) + 1;
  }

  statistics(): InputStatistics {
    const { count, missing } = this.#lengths;
    const { mean = 0, deviation = 0, histogram } = this.#lengths.spread() ?? {};
    return {
      name: this.#name,
      kind: "text",
      count,
      missing,
      characters: { mean, deviation },
      histogram,
      languages: { ...this.#languages },
    };
  }
}
