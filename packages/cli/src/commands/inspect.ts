import type { CliCommand } from "../command.ts";
import { formatSize } from "../format/size.ts";
import { toTable } from "../format/table.ts";
import { describeManifest } from "../inspect/describe-manifest.ts";
import { resolveVersion } from "../inspect/resolve-version.ts";
import { parseReferenceArgument, parseVersionArgument } from "../parse-arguments.ts";
import { routingLines } from "../routing/print-routing.ts";
import type { ModelView } from "../server/admin-types.ts";
import { pathOf } from "../server/server-client.ts";

export const INSPECT: CliCommand = {
  name: "inspect",
  group: "Models",
  summary: "Show a model's versions and routes, or one version",
  examples: [
    { command: "onnxflare inspect digits", does: "versions, aliases and deleted versions" },
    { command: "onnxflare inspect digits 2", does: "task, inputs, outputs and files of version 2" },
    { command: "onnxflare inspect digits@production", does: "of the version of an alias" },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .argument("<model>", "model, model@alias or model@version", parseReferenceArgument)
      .argument("[version]", "number of the version", parseVersionArgument)
      .action(async ({ model, at }, version) => {
        const { server, output } = context();
        const path = pathOf("admin", "models", model);
        const asked = version ?? at;
        if (asked === undefined) {
          const view = await server.json<ModelView>({ path });
          const heading = ["VERSION", "PUBLISHED", "SIZE", "TASK", "SIGNED", "DESCRIPTION"];
          const rows = view.versions.map((each) => [
            each.version,
            each.publishedAt ?? "",
            each.sizeBytes === undefined ? "" : formatSize(each.sizeBytes),
            each.task ?? "-",
            each.signed ? "yes" : "no",
            firstSentence(each.description),
          ]);
          const table = toTable([heading.map((text) => output.style("bold", text)), ...rows]);
          output.result(view, `${table}\n\n${routingLines(output, view.routing)}`);
          return;
        }
        const number = await resolveVersion(server, model, asked);
        const found = await server.json<{ manifest: object }>({
          path: `${path}/versions/${number}`,
        });
        output.result(found, describeManifest(output, found.manifest));
      }),
};

function firstSentence(text = ""): string {
  const [first = ""] = text.split(/(?<=\.)\s/);
  return first.length > 60 ? `${first.slice(0, 57)}...` : first;
}
