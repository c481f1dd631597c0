import { type Call, yieldToEventLoop } from "../../domain/call.ts";
import type { ExplainableGraph, ForestHead } from "../graph/explainable-graph.ts";
import { compileForest } from "./compile-forest.ts";
import type { CompiledForest, Features } from "./compiled-forest.ts";
import { createTreeBackground, type TreeBackground } from "./tree-background.ts";

/** A graph whose head is a forest. */
export type ForestGraph = ExplainableGraph & { readonly head: ForestHead };

/** Rows of numbers, one after the other. */
export interface Rows {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

interface KeptBackground {
  readonly values: Float64Array;
  readonly isKept: boolean;
  readonly background: TreeBackground;
}

/** Backgrounds of one forest: those kept with the version, and one of a request. */
const MAX_BACKGROUNDS = 2;
const kept = new WeakMap<ForestGraph, Promise<KeptForest>>();

/** A forest with the last backgrounds that it was explained with, as long as its graph is kept. */
export class KeptForest {
  readonly forest: CompiledForest;
  readonly #graph: ForestGraph;
  /** The last used first. */
  #backgrounds: readonly KeptBackground[] = [];

  constructor(graph: ForestGraph, forest: CompiledForest) {
    this.#graph = graph;
    this.forest = forest;
  }

  /** What the trees read of rows. */
  features({ rows, columns, values }: Rows): Features[] {
    const program = this.#graph.columns;
    return Array.from({ length: rows }, (_, row) => {
      const features = new Float64Array(program.features);
      program.compute(values.subarray(row * columns, (row + 1) * columns), features);
      return features;
    });
  }

  /**
   * @param rows at least one
   * @param isKept whether they are kept with the version, so that more rows will be explained with them
   */
  async background(
    rows: Rows,
    isKept: boolean,
    checkpoint: () => Promise<void>,
  ): Promise<TreeBackground> {
    const { values } = rows;
    const found = this.#backgrounds.find(
      (each) => each.isKept === isKept && isSame(each.values, values),
    );
    const background =
      found?.background ??
      (await createTreeBackground(this.forest, this.features(rows), isKept, checkpoint));
    const others = this.#backgrounds.filter((each) => each !== found);
    this.#backgrounds = [{ values, isKept, background }, ...others].slice(0, MAX_BACKGROUNDS);
    return background;
  }
}

/** @throws ApiError `invalid_request` for a forest that cannot be explained */
export function keepForest(graph: ForestGraph, call: Call): Promise<KeptForest> {
  const known = kept.get(graph);
  if (known) return known;
  const begun = compile(graph, call);
  kept.set(graph, begun);
  return begun;
}

/** Goes on when the request has ended: the forest is half rewritten then, and others may wait for it. */
async function compile(graph: ForestGraph, call: Call): Promise<KeptForest> {
  const checkpoint = () => call.checkpoint().catch(yieldToEventLoop);
  return new KeptForest(graph, await compileForest(graph.head.forest, graph.columns, checkpoint));
}

function isSame(one: Float64Array, other: Float64Array): boolean {
  return one.length === other.length && one.every((value, at) => Object.is(value, other[at]));
}
