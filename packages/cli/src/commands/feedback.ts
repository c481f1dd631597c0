import { MAX_FEEDBACK } from "../../../../src/domain/monitoring/feedback.ts";
import { CliError } from "../cli-error.ts";
import type { CliCommand } from "../command.ts";
import { readFeedbackFile } from "../feedback/read-feedback-file.ts";
import { formatReference, parseReferenceArgument } from "../parse-arguments.ts";
import { pathOf } from "../server/server-client.ts";

/** Failures that are shown. */
const MAX_SHOWN = 20;

interface Result {
  readonly requestId?: string;
  readonly status: string;
  readonly message?: string;
}

interface Results {
  readonly counts: Readonly<Record<string, number>>;
  readonly results: readonly Result[];
}

export const FEEDBACK: CliCommand = {
  name: "feedback",
  group: "Models",
  summary: "Send what the truth of predictions was",
  description:
    "The file has one JSON object a line: requestId, truth (a label or a number, a list for several rows), and optionally time. It can be sent again: what is known already changes nothing.",
  examples: [
    { command: "onnxflare feedback iris-logistic truths.jsonl", does: "send the truths in a file" },
    { command: "onnxflare feedback spam -", does: "those of standard input" },
    {
      command: "onnxflare feedback spam@2 truths.jsonl",
      does: "only for predictions of version 2",
    },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .argument("<model>", "model or model@version", parseReferenceArgument)
      .argument("<file>", "file with one JSON object a line, or - for standard input")
      .action(async (reference, file) => {
        const { server, output } = context();
        const lines = readFeedbackFile(file);
        const counts: Record<string, number> = {};
        const failed: (Result & { readonly line: number })[] = [];
        for (let start = 0; start < lines.length; start += MAX_FEEDBACK) {
          const some = lines.slice(start, start + MAX_FEEDBACK);
          const answer = await server.json<Results>({
            method: "POST",
            path: pathOf("models", formatReference(reference), "feedback"),
            value: some.map(({ value }) => value),
          });
          for (const [status, count] of Object.entries(answer.counts))
            counts[status] = (counts[status] ?? 0) + count;
          answer.results.forEach((result, index) => {
            if (result.status === "failed")
              failed.push({ line: some[index]?.line ?? 0, ...result });
          });
        }
        const summary = Object.entries(counts)
          .filter(([, count]) => count > 0)
          .map(([status, count]) => `${count} ${status}`);
        output.result({ counts, failed }, summary.join(", "));
        if (failed.length === 0) return;
        for (const { line, message } of failed.slice(0, MAX_SHOWN))
          output.warn(`line ${line}: ${message}`);
        throw new CliError("refused", `${failed.length} of ${lines.length} lines were refused`, {
          hint: "what was recorded stays: correct the others, and send the file again",
        });
      }),
};
