import { beforeAll, expect, test } from "vitest";
import { readModelFolder } from "../../../packages/cli/src/local/model-folder.ts";
import { projectPath } from "../../../scripts/project.ts";
import { type HostClient, numbersOf, numeric } from "../../support/hosts.ts";
import { findModel, publishAs } from "../../support/publish.ts";
import { expectClose, readExpected } from "../../support/tensors.ts";

const models = readModelFolder(projectPath("models")).map(({ manifest }) => manifest);

/** What the models of `models/` compute, by other engines. */
export function testHostModels(hostOf: () => HostClient): void {
  beforeAll(async () => {
    const { bucket } = hostOf().service;
    for (const { name } of models) {
      const model = findModel(name);
      await publishAs(bucket, model, model.manifest);
    }
  });

  test.each(models)(
    "$name computes the outputs of another engine",
    async ({ name, files, file }) => {
      const { inputs, outputs, tolerance } = readExpected(name);
      const tensors = inputs.map(({ name: input, datatype, shape, data }) => {
        if (datatype === "BYTES") throw new Error("no model of models/ takes strings");
        return numeric(input, datatype, shape, data);
      });
      const { error, tensors: made = [], trace } = await hostOf().infer({ name, tensors });
      expect(error).toBeUndefined();
      expect(made.map(({ data: _, ...spec }) => spec)).toEqual(
        outputs.map(({ data: _, ...spec }) => spec),
      );
      for (const [index, { name: output, data }] of outputs.entries()) {
        const tensor = made[index];
        expectClose(tensor ? numbersOf(tensor) : [], data, tolerance[output] ?? 0);
      }
      // Bit for bit.
      const inCells = await hostOf().service.call("cells", "infer", { name, tensors });
      expect(made).toEqual(inCells.tensors);
      expect(trace.digest).toBe(files.find(({ path }) => path === file)?.sha256);
    },
  );

  test.each(models.filter(({ task }) => task))(
    "the task of $name returns the output of its example",
    async ({ name, example, postprocess }) => {
      const output = example?.output;
      const parameters =
        postprocess?.type === "classification"
          ? { top_k: (output as unknown[]).length }
          : (example?.parameters ?? {});
      const call = { name, inputs: example?.inputs, parameters };
      const { json = "", form, usage } = await hostOf().execute(call);
      expectSimilar(JSON.parse(json), output, example?.tolerance ?? 0);
      const inCells = await hostOf().service.call("cells", "execute", call);
      expect({ json, form, usage }).toEqual({
        json: inCells.json,
        form: inCells.form,
        usage: inCells.usage,
      });
    },
  );
}

/** The same value, with numbers within the tolerance. */
function expectSimilar(actual: unknown, expected: unknown, tolerance: number): void {
  const numbers = (value: unknown): number[] => {
    if (typeof value === "number") return [value];
    if (typeof value !== "object" || value === null) return [];
    return Object.values(value).flatMap(numbers);
  };
  const texts = (value: unknown): string =>
    JSON.stringify(value, (_, field) => (typeof field === "number" ? 0 : field));
  expect(texts(actual)).toBe(texts(expected));
  expectClose(numbers(actual), numbers(expected), tolerance);
}
