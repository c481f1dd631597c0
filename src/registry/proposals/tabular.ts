import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import type { TaskKind } from "../../domain/task-kinds.ts";
import type { TensorSpec } from "../../domain/tensor.ts";
import type { ExportedTask } from "../exports/export-types.ts";
import {
  cannotPropose,
  chooseOutput,
  isFloat,
  type ProposalInput,
  type ProposeTask,
  SEND_BLOCKS,
} from "./proposal.ts";
import { probesOf, proposeClassification } from "./scores.ts";

type Rows = Pick<ExportedTask, "preprocess" | "notes"> & { readonly specs: readonly TensorSpec[] };

export const proposeTabularClassification: ProposeTask = async (task, input) => {
  const { specs, ...rows } = proposeRows(task, input);
  return withRows(task, rows, await proposeClassification(task, input, probesOf(specs)));
};

export const proposeTabularRegression: ProposeTask = async (task, input) => {
  const { specs: _, ...rows } = proposeRows(task, input);
  const output = chooseOutput(task, input, {
    fits: (spec) => isFloat(spec) && spec.shape.length <= 3,
    names: /variable|predict|output|value|target/i,
    needed: "predictions of shape [batch], [batch, values] or [batch, steps, targets]",
  });
  return withRows(task, rows, {
    postprocess: { type: "regression", version: 1, output: output.name },
    notes: [`predictions are the output "${output.name}"`],
  });
};

export const proposeClustering: ProposeTask = async (task, input) => {
  const { specs: _, ...rows } = proposeRows(task, input);
  const output = chooseOutput(task, input, {
    fits: (spec) => isFloat(spec) && spec.shape.length === 2,
    names: /distance|score|transform/i,
    needed: "distances of shape [batch, clusters]",
  });
  return withRows(task, rows, {
    postprocess: { type: "clustering", version: 1, distances: output.name },
    ...(input.labels && { labels: [...input.labels] }),
    notes: [
      `distances to the centres are the output "${output.name}"`,
      input.labels ? `${input.labels.length} labels of clusters` : "clusters are numbered from 0",
    ],
  });
};

export const proposeAnomalyDetection: ProposeTask = async (task, input) => {
  const { specs: _, ...rows } = proposeRows(task, input);
  const output = chooseOutput(task, input, {
    fits: (spec) => isFloat(spec) && spec.shape.length <= 2,
    names: /score|decision|anomaly/i,
    needed: "scores of shape [batch, 1] or [batch]",
  });
  return withRows(task, rows, {
    postprocess: { type: "anomaly", version: 1, scores: output.name, threshold: 0 },
    notes: [`scores are the output "${output.name}", below 0 of anomalies`],
  });
};

function withRows(
  task: TaskKind,
  { preprocess, notes }: Omit<Rows, "specs">,
  rest: Pick<ExportedTask, "postprocess" | "labels" | "notes">,
): ExportedTask {
  return { ...rest, task, preprocess, files: [], notes: [...notes, ...rest.notes] };
}

/** The preprocess block of rows: of one matrix of numbers, else of columns. */
function proposeRows(task: TaskKind, input: ProposalInput): Rows {
  const required = input.model.inputs.filter(({ optional }) => !optional);
  const [spec, second] = required;
  if (!spec) throw cannotPropose(input, task, "it has no input", SEND_BLOCKS);
  const { name, datatype, shape } = spec;
  if (second || datatype === "BYTES" || datatype === "BOOL")
    return proposeColumns(task, input, required);
  const width = shape.length === 2 ? fixedSize(shape[1]) : undefined;
  if (width !== undefined) {
    const columns = Array.from({ length: width }, (_, index) => `x${index}`);
    return {
      specs: required,
      preprocess: {
        type: "tabular",
        version: 1,
        input: name,
        columns,
        categories: {},
        missing: {},
      },
      notes: [
        `rows have the columns ${listColumns(columns)}, of which neither is a category and none may be missing: a manifest with preprocess names them, and says so`,
      ],
    };
  }
  if (shape.length === 0)
    throw cannotPropose(input, task, `its input "${name}" has no declared shape`, SEND_BLOCKS);
  return {
    specs: required,
    preprocess: { type: "array", version: 1, input: name },
    notes: [`items are arrays of the shape of the input "${name}", without its first dimension`],
  };
}

/** The block of a model with an input a column, which is named like it; columns of a matrix are numbered. */
function proposeColumns(task: TaskKind, input: ProposalInput, specs: readonly TensorSpec[]): Rows {
  const columns = specs.flatMap(({ name, shape }) => {
    const width = shape.length === 1 ? 1 : fixedSize(shape[1]);
    if (shape.length < 1 || shape.length > 2 || width === undefined)
      throw cannotPropose(
        input,
        task,
        `its input "${name}" has no fixed number of columns`,
        SEND_BLOCKS,
      );
    if (width === 1) return [{ name }];
    return Array.from({ length: width }, (_, index) => ({ name: `${name}_${index}`, input: name }));
  });
  const texts = specs.filter(({ datatype }) => datatype === "BYTES").map(({ name }) => name);
  const kinds = texts.length > 0 ? `; ${texts.join(", ")} are texts` : "";
  return {
    specs,
    preprocess: { type: "columns", version: 1, columns },
    notes: [
      `rows have the columns ${columns.map(({ name }) => name).join(", ")}, as the inputs are named, of which none may be missing${kinds}: a manifest with preprocess says which may`,
    ],
  };
}

function listColumns(columns: readonly string[]): string {
  return columns.length <= 2 ? columns.join(" and ") : `${columns[0]} to ${columns.at(-1)}`;
}
