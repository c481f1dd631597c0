import type { Forest } from "../trees/forest.ts";
import type { Cell, ColumnValue } from "./element.ts";

/** The trees of one node of a graph. */
export class ForestPart {
  readonly forest: Omit<Forest, "baseValues" | "scale">;
  /** What the trees read. */
  readonly features: readonly (Cell | ColumnValue)[];

  constructor(forest: ForestPart["forest"], features: ForestPart["features"]) {
    this.forest = forest;
    this.features = features;
  }
}
