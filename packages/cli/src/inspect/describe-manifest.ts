import { formatSize } from "../format/size.ts";
import { toTable } from "../format/table.ts";
import type { Output } from "../output.ts";

interface TensorSpec {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly (number | string)[];
  readonly optional?: boolean;
}

interface ManifestView {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly task?: string;
  readonly format: string;
  readonly labels?: readonly string[];
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly files: readonly {
    readonly path: string;
    readonly sizeBytes: number;
    readonly sha256: string;
  }[];
  readonly createdAt: string;
}

const LABELS = 5;

/** What a person wants to know of a version. */
export function describeManifest(output: Output, manifest: object): string {
  const view = manifest as ManifestView;
  const { name, version, description, task, format, labels, inputs, outputs, files, createdAt } =
    view;
  const heading = (text: string): string => output.style("bold", text);
  return [
    heading(`${name} version ${version}`),
    ...(description === undefined ? [] : [description]),
    toTable([
      ["task", task ?? "none"],
      ["format", format],
      ["created", createdAt],
      ...(labels === undefined ? [] : [["labels", describeLabels(labels)]]),
    ]),
    heading("inputs"),
    toTable(inputs.map(tensorRow)),
    heading("outputs"),
    toTable(outputs.map(tensorRow)),
    heading("files"),
    toTable(files.map(({ path, sizeBytes, sha256 }) => [path, formatSize(sizeBytes), sha256])),
  ].join("\n");
}

function tensorRow({ name, datatype, shape, optional }: TensorSpec): string[] {
  return [name, datatype, `[${shape.join(", ")}]`, optional ? "optional" : ""];
}

function describeLabels(labels: readonly string[]): string {
  const listed = labels.slice(0, LABELS).join(", ");
  return labels.length > LABELS ? `${listed} and ${labels.length - LABELS} more` : listed;
}
