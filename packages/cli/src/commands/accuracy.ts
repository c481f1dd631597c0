import type {
  AccuracyReport,
  AccuracyReports,
} from "../../../../src/domain/monitoring/accuracy-report.ts";
import type { CanaryReport } from "../../../../src/domain/monitoring/canary-report.ts";
import type { Estimate } from "../../../../src/domain/monitoring/estimate.ts";
import type { CliCommand } from "../command.ts";
import { toTable } from "../format/table.ts";
import { parseModelArgument, parseTimeArgument } from "../parse-arguments.ts";
import { pathOf } from "../server/server-client.ts";

export const ACCURACY: CliCommand = {
  name: "accuracy",
  group: "Models",
  summary: "Show how good the predictions of a model's versions are",
  description:
    "By the truths that were sent as feedback, with intervals of 95 %, and as calibrated confidences make expected. Canaries that are worse than the version that they may replace are named.",
  examples: [
    { command: "onnxflare accuracy iris-logistic", does: "the predictions of the last seven days" },
    { command: "onnxflare accuracy spam --since 30d --json", does: "of 30 days, with all numbers" },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .argument("<model>", "name of the model", parseModelArgument)
      .option(
        "--since <time>",
        "point in time, or the time since then: 12h, 30d",
        parseTimeArgument,
      )
      .action(async (model, { since }) => {
        const { server, output } = context();
        const accuracy = await server.json<AccuracyReports>({
          path: pathOf("admin", "models", model, "accuracy"),
          query: { from: since },
        });
        const { canaries } = await server.json<{ canaries: readonly CanaryReport[] }>({
          path: pathOf("admin", "models", model, "canary"),
        });
        if (accuracy.versions.length === 0)
          output.note(`nothing is known of the predictions of ${model} in this time`);
        const heading = ["VERSION", "TRUTHS", "ACCURACY", "MACRO F1", "MAE", "RMSE", "ESTIMATED"];
        const rows = accuracy.versions.map(toRow);
        const table =
          rows.length > 0
            ? toTable([heading.map((text) => output.style("bold", text)), ...rows])
            : "";
        output.result({ ...accuracy, canaries }, table);
        for (const { worse, outcome } of canaries)
          if (worse)
            output.warn(
              `${worse.reason}${outcome === "rolled_back" ? " It was taken out of the split." : ""}`,
            );
      }),
};

function toRow({
  version,
  truths,
  classification,
  regression,
  estimated,
}: AccuracyReport): string[] {
  return [
    version,
    String(truths),
    percent(classification?.accuracy),
    percent(classification?.macroF1),
    number(regression?.meanAbsoluteError),
    number(regression?.rootMeanSquaredError),
    estimated && "accuracy" in estimated ? percent(estimated.accuracy) : "-",
  ];
}

/** `95.0 % (91.2 - 97.3)` */
function percent(estimate: Estimate | undefined): string {
  if (!estimate) return "-";
  const { value, low, high } = estimate;
  const text = (share: number): string => (100 * share).toFixed(1);
  return `${text(value)} % (${text(low)} - ${text(high)})`;
}

function number(estimate: Estimate | undefined): string {
  if (!estimate) return "-";
  const { value, low, high } = estimate;
  return `${value.toPrecision(4)} (${low.toPrecision(4)} - ${high.toPrecision(4)})`;
}
