import { writeFileSync } from "node:fs";
import { Option } from "@commander-js/extra-typings";
import { explain, usageError } from "../cli-error.ts";
import type { CliCommand } from "../command.ts";
import { viewExplanations } from "../explain/explanation-view.ts";
import {
  type ExplanationOptions,
  FORMATS,
  type Format,
  toExplanation,
} from "../explain/request.ts";
import { formatReference, parseReferenceArgument } from "../parse-arguments.ts";
import { readInput } from "../predict/read-input.ts";
import { unexpectedResponse } from "../server/server-client.ts";

interface Options extends ExplanationOptions {
  readonly input: string;
  readonly format?: Format | undefined;
  readonly output?: string | undefined;
}

export const EXPLAIN: CliCommand = {
  name: "explain",
  group: "Models",
  summary: "Explain what a model answers",
  description:
    "Shows how much each feature of an input has added to the answer. The input is JSON, a file (image, audio, CSV, text or JSON, by its ending) or standard input.",
  examples: [
    {
      command: "onnxflare explain iris-logistic --input '[5.1, 3.5, 1.4, 0.2]'",
      does: "the values of a row, as bars",
    },
    {
      command: `onnxflare explain spam@2 --input '"You have won"' --method shapley --of spam`,
      does: "of one label, by a method",
    },
    {
      command: "onnxflare explain digits --input @seven.png --format png --output why.png",
      does: "a heat map",
    },
    {
      command: "onnxflare explain iris-logistic --input @rows.csv --dry-run",
      does: "what it would cost",
    },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .argument("<model>", "model, model@alias or model@version", parseReferenceArgument)
      .requiredOption("--input <input>", "JSON, @FILE, or - for standard input")
      .option("--method <name>", "a method; by default the one that suits the model")
      .option("--space <space>", "margin, log_odds, probability or output")
      .option(
        "--of <output>",
        "a label, the index of an output, or all; by default the predicted one",
      )
      .option("--parameters <json>", "other parameters, as a JSON object")
      .option("--dry-run", "say what it would cost")
      .addOption(new Option("--format <format>", "the form of the explanation").choices(FORMATS))
      .option("--output <file>", "write it to a file")
      .action(async (reference, { input, format, output: file, ...options }: Options) => {
        const { server, output } = context();
        const form = format ?? "json";
        if (form === "png" && file === undefined && process.stdout.isTTY)
          throw usageError("a PNG is no text: name a file by --output");
        const request = toExplanation(reference, readInput(input), options, form);
        const response = await server.send(request);
        const bytes = Buffer.from(await response.arrayBuffer());
        const type = response.headers.get("content-type") ?? "";
        if (form === "json" && !isJson(bytes.toString()))
          throw unexpectedResponse(bytes.toString(), server.url, request);
        if (form !== "json" && !type.includes(form === "svg" ? "svg" : form))
          throw usageError(`this explanation has no form ${form}: the server sent ${type}`);
        const version = response.headers.get("x-model-version") ?? "unknown";
        if (file !== undefined) {
          write(file, bytes);
          output.note(`${formatReference(reference)}: version ${version}, written to ${file}`);
          return;
        }
        if (form === "png") return void process.stdout.write(bytes);
        const text = bytes.toString();
        const asJson = output.json || format !== undefined;
        output.raw(`${asJson ? text : (viewExplanations(output, JSON.parse(text)) ?? text)}\n`);
        if (!asJson) output.note(`${formatReference(reference)}: version ${version}`);
      }),
};

function write(file: string, bytes: Uint8Array): void {
  try {
    writeFileSync(file, bytes);
  } catch (error) {
    throw usageError(`--output: ${file} can't be written: ${explain(error)}`);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
