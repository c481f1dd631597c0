import { MODEL_VERSION } from "../../../../src/domain/model-id.ts";
import { DEFAULT_ALIAS, heaviestVersion, NEWEST, routeOf } from "../../../../src/domain/routing.ts";
import { CliError } from "../cli-error.ts";
import type { ModelView } from "../server/admin-types.ts";
import { pathOf, type ServerClient } from "../server/server-client.ts";

/** The version that an alias means for metadata: that of the largest weight, the newest of equal ones. */
export async function resolveVersion(
  server: ServerClient,
  model: string,
  at: string,
): Promise<string> {
  if (MODEL_VERSION.test(at)) return at;
  const { versions, routing } = await server.json<ModelView>({
    path: pathOf("admin", "models", model),
  });
  const route = routeOf(routing, at);
  const newest = String(Math.max(...versions.map(({ version }) => Number(version))));
  if (at === NEWEST || (at === DEFAULT_ALIAS && !route)) return newest;
  if (route) return heaviestVersion(route.split);
  const names = Object.keys(routing.aliases);
  throw new CliError("notFound", `${model} has no alias ${at}`, {
    code: "alias_not_found",
    hint: names.length === 0 ? "it has none" : `its aliases are ${names.join(", ")}`,
  });
}
