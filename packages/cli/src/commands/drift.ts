import type { DriftReport } from "../../../../src/domain/monitoring/drift-report.ts";
import { CliError } from "../cli-error.ts";
import type { CliCommand } from "../command.ts";
import { describeReport } from "../drift/report-view.ts";
import { resolveVersion } from "../inspect/resolve-version.ts";
import {
  parseCountArgument,
  parseDurationArgument,
  parseReferenceArgument,
} from "../parse-arguments.ts";
import { pathOf } from "../server/server-client.ts";

export const DRIFT: CliCommand = {
  name: "drift",
  group: "Operations",
  summary: "Compare the requests of a version with its reference profile",
  description:
    "Requests are put together to windows. An input or output that differs from the profile in one window is suspected; it has drifted when it differs in the next one too.",
  examples: [
    { command: "onnxflare drift penguins", does: "of the version that penguins stands for" },
    { command: "onnxflare drift penguins@2 --rows 5000", does: "in longer windows" },
    { command: "onnxflare drift penguins --exit-code", does: "exit code 9 if it has drifted" },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .argument("<model>", "model, model@alias or model@version", parseReferenceArgument)
      .option("--rows <n>", "rows that a window has at least", parseCountArgument)
      .option(
        "--window <duration>",
        "how long a window is at least: 5m, 1h, 1d",
        parseDurationArgument,
      )
      .option("--exit-code", "exit with code 9 if something has drifted")
      .action(async ({ model, at }, { rows, window, exitCode }) => {
        const { server, output } = context();
        const version = await resolveVersion(server, model, at ?? "default");
        const report = await server.json<DriftReport>({
          path: pathOf("admin", "models", model, "versions", version, "drift"),
          query: { rows, seconds: window },
        });
        output.result(report, describeReport(report, output.style));
        if (exitCode && report.status === "drift")
          throw new CliError("different", `${model} version ${version} has drifted`);
      }),
};
