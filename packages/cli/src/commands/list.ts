import type { CliCommand } from "../command.ts";
import { toTable } from "../format/table.ts";

interface PublishedVersions {
  readonly models: readonly {
    readonly name: string;
    readonly version: string;
    readonly publishedAt?: string;
  }[];
}

export const LIST: CliCommand = {
  name: "list",
  group: "Models",
  summary: "List the published models and versions",
  examples: [
    { command: "onnxflare list", does: "every version on the local server" },
    { command: "onnxflare list --json", does: "the same, as JSON" },
  ],
  callsServer: true,
  define: (command, context) =>
    command.action(async () => {
      const { server, output } = context();
      const list = await server.json<PublishedVersions>({ path: "/admin/models" });
      const rows = list.models.map(({ name, version, publishedAt = "" }) => [
        name,
        version,
        publishedAt,
      ]);
      const heading = ["MODEL", "VERSION", "PUBLISHED"].map((text) => output.style("bold", text));
      if (rows.length === 0)
        output.note(`${server.url} has no models; publish one: onnxflare push`);
      output.result(list, rows.length === 0 ? "" : toTable([heading, ...rows]));
    }),
};
