import { usageError } from "../cli-error.ts";
import type { CliCommand } from "../command.ts";
import { describeProfile, profilePath, sendProfile } from "../drift/profile-view.ts";
import { resolveVersion } from "../inspect/resolve-version.ts";
import { parseReferenceArgument } from "../parse-arguments.ts";

export const PROFILE: CliCommand = {
  name: "profile",
  group: "Models",
  summary: "Make the reference profile of a version of example data",
  description:
    "Requests are compared with it, to see whether they have drifted (onnxflare drift). DATA is CSV with a heading, JSON lines with an input in each, JSON with a list of inputs, or a profile as this command prints it. Its rows run through the version, and are not stored. Without DATA the profile that there is is printed.",
  examples: [
    { command: "onnxflare profile penguins training.csv", does: "of the rows of a table" },
    { command: "onnxflare profile spam@canary mails.jsonl", does: "of the version of an alias" },
    { command: "onnxflare profile penguins@2 --json", does: "the profile of version 2, as JSON" },
  ],
  callsServer: true,
  define: (command, context) =>
    command
      .argument("<model>", "model, model@alias or model@version", parseReferenceArgument)
      .argument("[data]", "file with example data: .csv, .json or .jsonl")
      .option("--delete", "delete the profile")
      .action(async ({ model, at }, data, { delete: isDeleted }) => {
        const { server, output } = context();
        if (data !== undefined && isDeleted)
          throw usageError("give example data, or delete the profile by --delete");
        const version = await resolveVersion(server, model, at ?? "default");
        const id = { name: model, version };
        if (isDeleted) {
          const deleted = await server.json({ method: "DELETE", path: profilePath(id) });
          return output.result(deleted, `deleted the profile of ${model} version ${version}`);
        }
        if (data === undefined) {
          const known = await server.json<Parameters<typeof describeProfile>[0]>({
            path: profilePath(id),
          });
          return output.result(known.profile, describeProfile(known));
        }
        const made = await sendProfile(context(), id, data);
        output.result(
          made.profile,
          `${describeProfile(made)}\n${output.style("bold", `${model} version ${version} is compared with it from now on`)}`,
        );
      }),
};
