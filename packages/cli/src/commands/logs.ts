import { Option } from "@commander-js/extra-typings";
import { EVENT_KINDS } from "../../../../src/domain/event.ts";
import { usageError } from "../cli-error.ts";
import type { CliCommand } from "../command.ts";
import { describeEvent } from "../logs/describe-event.ts";
import {
  type EventFilter,
  isWatchdogEvent,
  parseStatusArgument,
  toPredicate,
} from "../logs/event-filter.ts";
import { followEvents } from "../logs/follow-events.ts";
import { tailWorker } from "../logs/tail-worker.ts";
import { parseModelArgument, parseVersionArgument } from "../parse-arguments.ts";

export const LOGS: CliCommand = {
  name: "logs",
  group: "Operations",
  summary: "Show the events of requests as they happen",
  description:
    "Events come from the isolate that answers; a local server has one. A deployed Worker has many: --tail shows the events of all of them, through wrangler tail. Ctrl-C ends it.",
  examples: [
    { command: "onnxflare logs", does: "every event" },
    {
      command: "onnxflare logs --model digits --status 4xx,5xx",
      does: "requests of digits that failed",
    },
    {
      command: "onnxflare logs --event shadow --json",
      does: "comparisons of shadows, a line of JSON each",
    },
    { command: "onnxflare logs --tail my-worker", does: "of a deployed Worker" },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .option("--model <name>", "only of this model", parseModelArgument)
      .option("--version <n>", "only of this version", parseVersionArgument)
      .option(
        "--status <status>",
        "only with these statuses: 404 or 5xx, several with commas",
        parseStatusArgument,
      )
      .option("--operation <id>", "only of this operation, such as infer")
      .option("--code <code>", "only with this error code, such as overloaded")
      .addOption(new Option("--event <kind>", "only events of this kind").choices(EVENT_KINDS))
      .option("--no-follow", "end after the events of the past")
      .option("--tail [worker]", "show the events of a deployed Worker, through wrangler tail")
      .action(async ({ tail, follow, ...filter }) => {
        const { output } = context();
        const matches = toPredicate(filter as EventFilter);
        const print = (event: Record<string, unknown>): void => {
          if (!isWatchdogEvent(event) && matches(event))
            output.line(event, describeEvent(output, event));
        };
        if (tail !== undefined && !follow)
          throw usageError("--tail shows no events of the past: leave --no-follow out");
        if (tail === undefined) await followEvents(context(), filter as EventFilter, follow, print);
        else await tailWorker(context(), tail === true ? undefined : tail, print);
      }),
};
