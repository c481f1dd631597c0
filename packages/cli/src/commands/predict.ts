import type { CliCommand } from "../command.ts";
import { formatReference, parseReferenceArgument } from "../parse-arguments.ts";
import { describePrediction } from "../predict/print-prediction.ts";
import { readInput } from "../predict/read-input.ts";
import { toPrediction } from "../predict/request.ts";
import { printStream } from "../predict/stream.ts";
import { unexpectedResponse } from "../server/server-client.ts";

export const PREDICT: CliCommand = {
  name: "predict",
  group: "Models",
  summary: "Run a model on an input",
  description:
    "The input is JSON, a file (image, audio, CSV, text or JSON, by its ending) or standard input. JSON with tensors of the Open Inference Protocol runs the model without its task.",
  examples: [
    {
      command: "onnxflare predict iris-logistic --input '[5.1, 3.5, 1.4, 0.2]'",
      does: "classify a row",
    },
    {
      command: "onnxflare predict digits@canary --input @seven.png",
      does: "an image, by an alias",
    },
    {
      command: `onnxflare predict spam@2 --input '"You have won"' --parameters '{"top_k": 1}'`,
      does: "a text, by version 2",
    },
    {
      command: `onnxflare predict pocket-gpt --input '"Once"' --stream`,
      does: "a text as it is generated",
    },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .argument("<model>", "model, model@alias or model@version", parseReferenceArgument)
      .requiredOption("--input <input>", "JSON, @FILE, or - for standard input")
      .option("--parameters <json>", "parameters of the task, as a JSON object")
      .option("--stream", "print the result as it is made")
      .option("--sticky-key <value>", "header x-sticky-key, by which a sticky split chooses")
      .action(async (reference, { input, ...options }) => {
        const { server, output } = context();
        const request = toPrediction(reference, readInput(input), options);
        const noteOf = (headers: Headers): string =>
          `${formatReference(reference)}: version ${headers.get("x-model-version") ?? "unknown"}`;
        if (options.stream) {
          const response = await server.send(request);
          await printStream(output, response);
          if (!output.json) output.note(noteOf(response.headers));
          return;
        }
        const { text, headers } = await server.text(request);
        if (!isJson(text)) throw unexpectedResponse(text, server.url, request);
        output.raw(`${output.json ? text : describePrediction(output, text)}\n`);
        if (!output.json) output.note(noteOf(headers));
      }),
};

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
