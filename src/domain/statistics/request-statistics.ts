import type { InputStatistics, OutputStatistics } from "../event.ts";
import type { Tensor } from "../tensor.ts";
import { createFeatureGatherer, type FeatureGatherer } from "./feature-gatherer.ts";
import { type DescribedModel, type Feature, featurePlanOf } from "./feature-plan.ts";
import { type FeatureVisitor, MAX_LOOKED_AT, sampledIndex, visitInputs } from "./gather-inputs.ts";
import { createOutputGatherer, type OutputGatherer } from "./gather-outputs.ts";

/** What was gathered of a request. Plain data, which crosses to other isolates. */
export interface GatheredStatistics {
  readonly inputs?: readonly InputStatistics[] | undefined;
  readonly outputs?: OutputStatistics | undefined;
  /** Rows that were predicted. */
  readonly inferences?: number | undefined;
  /** The digest of the reference profile of the histograms. */
  readonly profile?: string | undefined;
}

/** Gathers statistics of the inputs and outputs of a request, over all of its runs. */
export class RequestStatistics implements FeatureVisitor {
  readonly #model: DescribedModel;
  readonly #features: (FeatureGatherer | undefined)[] = [];
  readonly #others: { statistics(): InputStatistics }[] = [];
  #outputs: OutputGatherer | undefined;
  #inferences: number | undefined;

  constructor(model: DescribedModel) {
    this.#model = model;
  }

  inputs(tensors: readonly Tensor[]): void {
    visitInputs(this.#model, tensors, this);
  }

  outputs(tensors: readonly Tensor[]): void {
    this.#outputs ??= createOutputGatherer(this.#model);
    this.#outputs?.tensors(tensors);
  }

  /** Objects or entities that were found, by the form of a task's result. */
  found(items: Iterable<{ readonly label: string; readonly score: number }>): void {
    this.#outputs ??= createOutputGatherer(this.#model);
    this.#outputs?.found(items);
  }

  /** Counts rows that were predicted. */
  countRows(rows: number): void {
    this.#inferences = (this.#inferences ?? 0) + rows;
  }

  /** Adds what was gathered of texts, pictures or recordings. */
  add(statistics: InputStatistics): void {
    this.#others.push({ statistics: () => statistics });
  }

  numbers(
    feature: Feature,
    values: ArrayLike<number | bigint>,
    start: number,
    stride: number,
    count: number,
  ): void {
    const gatherer = this.#gathererOf(feature, false);
    const looked = Math.min(count, MAX_LOOKED_AT);
    for (let index = 0; index < looked; index++)
      gatherer.number(Number(values[start + stride * sampledIndex(index, looked, count)]));
  }

  texts(
    feature: Feature,
    values: readonly string[],
    start: number,
    stride: number,
    count: number,
  ): void {
    const gatherer = this.#gathererOf(feature, true);
    const looked = Math.min(count, MAX_LOOKED_AT);
    for (let index = 0; index < looked; index++)
      gatherer.text(values[start + stride * sampledIndex(index, looked, count)] as string);
  }

  #gathererOf(feature: Feature, isText: boolean): FeatureGatherer {
    const known = this.#features[feature.index];
    if (known) return known;
    const created = createFeatureGatherer(feature, isText);
    this.#features[feature.index] = created;
    return created;
  }

  /** To be called when nothing more is gathered: what it returns is not copied. */
  finish(): GatheredStatistics {
    const inputs: InputStatistics[] = [];
    for (const gatherer of this.#features) if (gatherer) inputs.push(gatherer.statistics());
    for (const other of this.#others) inputs.push(other.statistics());
    return {
      inputs: inputs.length > 0 ? inputs : undefined,
      outputs: this.#outputs?.statistics(),
      inferences: this.#inferences,
      profile: featurePlanOf(this.#model).profile?.digest,
    };
  }
}
