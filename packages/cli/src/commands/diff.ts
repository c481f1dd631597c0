import { CliError } from "../cli-error.ts";
import type { CliCommand } from "../command.ts";
import { compareVersions } from "../diff/compare-versions.ts";
import { readInputs } from "../diff/read-inputs.ts";
import { toTable } from "../format/table.ts";
import { parseModelArgument, parseVersionArgument } from "../parse-arguments.ts";

export const DIFF: CliCommand = {
  name: "diff",
  group: "Models",
  summary: "Compare the answers of two versions to the same inputs",
  description:
    "By default the input is the example of the version. A file of JSON lines has an input in each line. Answers are compared by the task, as those of a shadow are: the same best label, numbers within a tolerance, the same text.",
  examples: [
    { command: "onnxflare diff digits 1 2", does: "on the example of version 1" },
    { command: "onnxflare diff spam 1 2 --input @mails.jsonl", does: "on the input in each line" },
    {
      command: "onnxflare diff digits 1 2 --input @seven.png --exit-code",
      does: "exit code 9 if they differ",
    },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .argument("<model>", "name of the model", parseModelArgument)
      .argument("<version1>", "number of a version", parseVersionArgument)
      .argument("<version2>", "number of the other version", parseVersionArgument)
      .option("--input <input>", "JSON, @FILE, @FILE.jsonl, or - for standard input")
      .option("--parameters <json>", "parameters of the task, as a JSON object")
      .option("--exit-code", "exit with code 9 if answers differ")
      .action(async (model, first, second, { input, parameters, exitCode }) => {
        const { output } = context();
        const versions = [first, second] as const;
        const inputs = input === undefined ? undefined : readInputs(input);
        const report = await compareVersions(context(), model, versions, inputs, parameters);
        const { comparisons, same } = report;
        const rows = comparisons.map(({ input: name, same: isSame, measure, distance, detail }) => [
          name,
          isSame ? output.style("green", "same") : output.style("red", "different"),
          `${measure} ${Number(distance.toPrecision(4))}`,
          detail === undefined ? "" : JSON.stringify(detail),
        ]);
        const differing = comparisons.length - same;
        const summary = `${model} versions ${first} and ${second}: ${same} of ${comparisons.length} answers are the same`;
        output.result(report, `${toTable(rows)}\n${output.style("bold", summary)}`);
        if (exitCode && differing > 0)
          throw new CliError("different", `${differing} answers differ`);
      }),
};
