import { Argument } from "@commander-js/extra-typings";
import { MAX_BACKGROUND_ROWS } from "../../../../src/domain/explanation/background.ts";
import {
  backgroundPath,
  DEFAULT_ROWS,
  describeBackground,
  sendBackground,
} from "../background/background-view.ts";
import { usageError } from "../cli-error.ts";
import type { CliCommand } from "../command.ts";
import { resolveVersion } from "../inspect/resolve-version.ts";
import { parseCountArgument, parseReferenceArgument } from "../parse-arguments.ts";

const ACTIONS = ["show", "set", "delete"] as const;

export const BACKGROUND: CliCommand = {
  name: "background",
  group: "Models",
  summary: "Keep the background rows of a version, which explanations need",
  description:
    "Background rows are inputs that are typical of what the version sees: explanations take from them the values of columns that are not known. FILE is CSV with a heading, JSON lines with an input in each, or JSON with a list of inputs. The rows are stored as they are.",
  examples: [
    {
      command: "onnxflare background penguins set training.csv",
      does: `${DEFAULT_ROWS} rows of a table, evenly spaced`,
    },
    { command: "onnxflare background penguins@2 show", does: "the first rows of version 2" },
    { command: "onnxflare background penguins delete", does: "delete them" },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .argument("<model>", "model, model@alias or model@version", parseReferenceArgument)
      .addArgument(
        new Argument("[action]", "what to do with them").choices(ACTIONS).default("show" as const),
      )
      .argument("[file]", "of set: a .csv, .json or .jsonl file with inputs")
      .option(
        "--rows <n>",
        `of set: so many rows of the file, evenly spaced; up to ${MAX_BACKGROUND_ROWS} (default: ${DEFAULT_ROWS})`,
        parseCountArgument,
      )
      .action(async ({ model, at }, action, file, { rows }) => {
        const { server, output } = context();
        if (action === "set" && file === undefined)
          throw usageError("name the file with the rows", `onnxflare background ${model} set FILE`);
        if (action !== "set" && (file !== undefined || rows !== undefined))
          throw usageError(`${action} takes no file and no --rows`);
        if (rows !== undefined && rows > MAX_BACKGROUND_ROWS)
          throw usageError(`--rows may be up to ${MAX_BACKGROUND_ROWS}`);
        const version = await resolveVersion(server, model, at ?? "default");
        const id = { name: model, version };
        const path = backgroundPath(id);
        const named = `${model} version ${version}`;
        if (action === "set" && file !== undefined) {
          const kept = await sendBackground(context(), id, file, rows);
          return output.result(kept, `${named} is explained with ${kept.rows} background rows`);
        }
        if (action === "delete") {
          const deleted = await server.json({ method: "DELETE", path });
          return output.result(deleted, `deleted the background rows of ${named}`);
        }
        const known = await server.json<Parameters<typeof describeBackground>[0]>({ path });
        output.result(known.background, describeBackground(known));
      }),
};
