import { readFileSync } from "node:fs";
import { Option } from "@commander-js/extra-typings";
import { TASK_KINDS } from "../../../../src/domain/task-kinds.ts";
import {
  findBackground,
  readBackgroundRows,
  sendBackground,
} from "../background/background-view.ts";
import { explain, usageError } from "../cli-error.ts";
import type { CliCommand } from "../command.ts";
import { sendProfile } from "../drift/profile-view.ts";
import { readExampleData } from "../drift/read-example-data.ts";
import { formatSeconds } from "../format/duration.ts";
import { formatSize } from "../format/size.ts";
import {
  parseAliasArgument,
  parseCountArgument,
  parseModelArgument,
  parseVersionArgument,
} from "../parse-arguments.ts";
import { historyFields } from "../routing/change-route.ts";

export const PUSH: CliCommand = {
  name: "push",
  group: "Models",
  summary: "Publish a model version",
  description:
    "PATH is an ONNX or ORT file, a folder with a manifest.json, or a folder that Optimum or transformers.js has exported. What the manifest does not say is read from the model. Without --version it becomes the next version. An interrupted push continues when it is run again.",
  examples: [
    { command: "onnxflare push model.onnx --name digits", does: "the next version of digits" },
    {
      command: "onnxflare push model.onnx --name digits --task image-classification --alias canary",
      does: "with a task, and digits@canary pointing at it",
    },
    {
      command: "onnxflare push models/digits/2",
      does: "a folder with a manifest, which names the model",
    },
    {
      command: "onnxflare push ./SmolLM2-135M --name smollm",
      does: "an export of transformers.js or Optimum",
    },
    {
      command:
        "onnxflare push model.onnx --name penguins --task tabular-classification --reference training.csv",
      does: "with the profile that requests are compared with",
    },
    {
      command: "onnxflare push model.onnx --name digits --dry-run",
      does: "show the manifest, publish nothing",
    },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .argument("<path>", "model file or folder")
      .option(
        "--name <name>",
        "name of the model (default: that of the manifest)",
        parseModelArgument,
      )
      .option(
        "--version <n>",
        "number of the version (default: the next one)",
        parseVersionArgument,
      )
      .addOption(new Option("--task <task>", "task of the model").choices(TASK_KINDS))
      .option("--alias <alias>", "alias that points at the version then", parseAliasArgument)
      .option("--labels <labels>", "labels of the classes: a,b,c or @FILE with one in each line")
      .option("--context <tokens>", "tokens of prompt and answer together", parseCountArgument)
      .option("--variant <suffix>", "which model of an export: quantized, int8, fp32, or its path")
      .option(
        "--sign <keyfile>",
        "sign the manifest with this private key (encrypted: ONNXFLARE_SIGN_PASSPHRASE)",
      )
      .option(
        "--reference <data>",
        "make its reference profile of example data: a .csv, .json or .jsonl file",
      )
      .option(
        "--background <rows>",
        "keep these typical inputs for explanations: a .csv, .json or .jsonl file (default: background.json or background.csv in the folder)",
      )
      .option("--force", "use the number of a deleted version again")
      .option("--note <text>", "why the alias changes, for the history")
      .option("--actor <name>", "who, for the history (default: the user of this machine)")
      .option("--dry-run", "send the files and show the manifest, but publish nothing")
      .action(async (path, { labels, note, actor, reference, background, ...options }) => {
        const { output, signal } = context();
        // A file that cannot be read is refused before anything is sent.
        if (reference !== undefined) readExampleData(reference);
        const rows = background ?? findBackground(path);
        if (rows !== undefined) readBackgroundRows(rows);
        signal.addEventListener("abort", () =>
          output.note("what was sent is kept: run the same command again to continue"),
        );
        const { push } = await import("../push/push.ts");
        const start = performance.now();
        const pushed = await push(context(), path, {
          ...options,
          ...historyFields({ note, actor }),
          ...(labels !== undefined && { labels: parseLabels(labels) }),
        });
        const { id, manifest, proposed = [], totalBytes, resumedBytes } = pushed;
        for (const sentence of proposed) output.note(`  ${sentence}`);
        const took = formatSeconds((performance.now() - start) / 1000);
        const { name, version } = id;
        const sent = `${formatSize(totalBytes)} in ${took}`;
        if (options.dryRun) {
          output.note(`not published: ${name} version ${version} (${sent})`);
          output.result(pushed, pushed.manifestText ?? JSON.stringify(manifest, null, 2));
          return;
        }
        const task = manifest.task === undefined ? "no task" : manifest.task;
        const alias = options.alias === undefined ? "" : `, ${name}@${options.alias}`;
        const made =
          reference !== undefined &&
          (await sendProfile(context(), id, reference).catch((error: unknown) => {
            output.note(
              `published ${name} version ${version}, without a reference profile; make it: onnxflare profile ${name}@${version} DATA`,
            );
            throw error;
          }));
        const kept =
          rows !== undefined &&
          (await sendBackground(context(), id, rows).catch((error: unknown) => {
            output.note(
              `published ${name} version ${version}, without background rows; set them: onnxflare background ${name}@${version} set ${rows}`,
            );
            throw error;
          }));
        const explained = kept ? `, ${kept.rows} background rows` : "";
        const profiled = made ? `, profile of ${made.profile.rows} rows` : "";
        const document = {
          name,
          version,
          alias: options.alias,
          totalBytes,
          resumedBytes,
          proposed,
          manifest,
          ...(made && { profile: made.digest }),
          ...(kept && { background: kept.digest }),
        };
        output.result(
          document,
          `published ${output.style("bold", `${name} version ${version}`)}${alias}: ${task}, ${sent}${profiled}${explained}`,
        );
      }),
};

/** `a,b,c`, or `@FILE` with a label in each line. */
function parseLabels(text: string): string[] {
  if (!text.startsWith("@")) return text.split(",").map((label) => label.trim());
  try {
    return readFileSync(text.slice(1), "utf8")
      .replace(/\r?\n$/, "")
      .split(/\r?\n/);
  } catch (error) {
    throw usageError(`--labels: ${text.slice(1)} can't be read: ${explain(error)}`);
  }
}
