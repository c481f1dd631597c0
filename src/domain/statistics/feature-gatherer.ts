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

class NumberGatherer extends NumericGatherer implements FeatureGatherer {
  readonly name: string;

  constructor({ name, edges }: Feature) {
    super(edges);
    this.name = name;
  }

  number(value: number): void {
    this.add(value);
  }

  text(): void {
    this.missing += 1;
  }

  statistics(): InputStatistics {
    const { name, count, missing, knownMean, deviation, histogram } = this;
    const min = count > 0 ? this.min : undefined;
    const max = count > 0 ? this.max : undefined;
    const kind = "numeric";
    return { name, kind, count, missing, mean: knownMean, deviation, min, max, histogram };
  }
}

class CategoryGatherer implements FeatureGatherer {
  readonly feature: Feature;
  readonly counts: number[] | undefined;
  count = 0;
  missing = 0;

  constructor(feature: Feature) {
    this.feature = feature;
    const size = feature.categories?.size ?? 0;
    this.counts = size > 0 ? new Array<number>(size).fill(0) : undefined;
  }

  number(value: number): void {
    if (Number.isNaN(value)) this.missing += 1;
    else this.#add(value);
  }

  text(value: string): void {
    this.#add(value);
  }

  #add(value: number | string): void {
    this.count += 1;
    const place = this.counts && this.feature.categories?.placeOf(value);
    if (this.counts && place !== undefined) (this.counts[place] as number) += 1;
  }

  statistics(): InputStatistics {
    const { feature, count, missing, counts } = this;
    return { name: feature.name, kind: "category", count, missing, counts };
  }
}

/** Lengths and languages of texts. */
export class TextGatherer implements FeatureGatherer {
  readonly name: string;
  readonly lengths: NumericGatherer;
  readonly languages: Record<string, number> = {};

  constructor(name: string, edges: readonly number[] | undefined) {
    this.name = name;
    this.lengths = new NumericGatherer(edges);
  }

  number(): void {
    this.lengths.missing += 1;
  }

  text(value: string): void {
    this.lengths.add(value.length);
    const language = languageOf(value);
    this.languages[language] = (this.languages[language] ?? 0) + 1;
  }

  statistics(): InputStatistics {
    const { name, lengths, languages } = this;
    const { count, missing, mean, deviation = 0, histogram } = lengths;
    return {
      name,
      kind: "text",
      count,
      missing,
      characters: { mean, deviation },
      histogram,
      languages,
    };
  }
}
