import { CliError } from "../cli-error.ts";
import type { CliCommand } from "../command.ts";

const MARKS = {
  ok: { text: "ok  ", style: "green" },
  warn: { text: "warn", style: "yellow" },
  fail: { text: "fail", style: "red" },
} as const;

/** The longest name of a check. */
const NAME_WIDTH = 13;

export const DOCTOR: CliCommand = {
  name: "doctor",
  group: "Project",
  summary: "Examine this machine, the project and the server",
  description:
    "Prints one line for each check, with what to do about what is wrong: Node, wrangler, the bindings, limits and settings of wrangler.toml, secrets, the folder of models; then the server: whether it answers, accepts the key, has every model ready, and predicts.",
  examples: [
    { command: "onnxflare doctor", does: "the project in this folder, and the local server" },
    {
      command: "onnxflare doctor --url https://onnxflare.example.workers.dev",
      does: "the project, and a deployment of it",
    },
  ],
  callsServer: true,
  define: (command, context) =>
    command.action(async () => {
      const { output, settings, signal } = context();
      const { examine } = await import("../project/examine.ts");
      const checks = [];
      for await (const check of examine(process.cwd(), { settings, signal })) {
        checks.push(check);
        const { name, status, message, remedy } = check;
        const { text, style } = MARKS[status];
        const line = `${output.style(style, text)}  ${name.padEnd(NAME_WIDTH)}  ${message}`;
        if (!output.json) output.line(check, remedy === undefined ? line : `${line}; ${remedy}`);
      }
      const failed = checks.filter(({ status }) => status === "fail").length;
      if (output.json) output.result({ ok: failed === 0, checks }, "");
      if (failed > 0)
        throw new CliError("different", `${failed} of ${checks.length} checks failed`);
    }),
};
