import { script } from "@bomb.sh/tab";
import { Argument } from "@commander-js/extra-typings";
import type { CliCommand } from "../command.ts";

const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

export const COMPLETION: CliCommand = {
  name: "completion",
  group: "Operations",
  summary: "Print the completion script of a shell",
  description:
    "It completes commands, options and their values. The shell must find onnxflare itself: npm install --global onnxflare, or an alias.",
  examples: [
    { command: "source <(onnxflare completion bash)", does: "in bash or zsh, for this session" },
    {
      command: "onnxflare completion fish > ~/.config/fish/completions/onnxflare.fish",
      does: "in fish, for good",
    },
  ],
  callsServer: false,
  define: (command) =>
    command
      .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
      .action((shell) => script(shell, "onnxflare", "onnxflare")),
};
