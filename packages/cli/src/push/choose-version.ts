import { CliError } from "../cli-error.ts";
import type { CommandContext } from "../context.ts";
import type { ModelView } from "../server/admin-types.ts";
import { pathOf } from "../server/server-client.ts";

/** The number after all that were ever used: also those of deleted versions. */
export async function nextVersion({ server }: CommandContext, name: string): Promise<string> {
  try {
    const { versions, routing } = await server.json<ModelView>({
      path: pathOf("admin", "models", name),
    });
    const used = [...versions.map(({ version }) => version), ...Object.keys(routing.deleted)];
    return String(Math.max(0, ...used.map(Number)) + 1);
  } catch (error) {
    if (error instanceof CliError && error.code === "model_not_found") return "1";
    throw error;
  }
}
