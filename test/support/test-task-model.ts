import type { Manifest } from "../../src/domain/manifest.ts";
import { sum } from "./awkward-models.ts";
import type { Service } from "./service.ts";
import { store } from "./stored-model.ts";

/** `y = x + 1` with the test task of test/workerd/isolates, which the task API executes as the model says that it has one. */
export function storeTestTask(
  { bucket }: Pick<Service, "bucket">,
  name: string,
  more: Partial<Manifest> = {},
): Promise<Manifest> {
  const graph = { ...sum(1), name };
  return store(bucket, name, graph, {
    task: "tabular-regression",
    preprocess: { type: "tabular", version: 1, input: "x", columns: ["x"], categories: {} },
    postprocess: { type: "regression", version: 1, output: "y" },
    ...more,
  } as Partial<Manifest>);
}
