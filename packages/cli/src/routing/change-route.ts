import { userInfo } from "node:os";
import { routeOf } from "../../../../src/domain/routing.ts";
import type { CommandContext } from "../context.ts";
import { formatSeconds } from "../format/duration.ts";
import type { RoutingView } from "../server/admin-types.ts";
import { pathOf, type ServerRequest } from "../server/server-client.ts";
import { describeRoute } from "./describe-route.ts";

export interface ChangeOptions {
  readonly note?: string | undefined;
  readonly actor?: string | undefined;
}

export function aliasPath(model: string, alias: string, ...more: readonly string[]): string {
  return pathOf("admin", "models", model, "aliases", alias, ...more);
}

/** What a change tells the history beside the key: who made it, and why. */
export function historyFields({ note, actor = localUser() }: ChangeOptions): ChangeOptions {
  return { ...(note !== undefined && { note }), ...(actor !== undefined && { actor }) };
}

/** Changes a route and prints what it is now. */
export async function changeRoute(
  { server, output }: CommandContext,
  { model, alias }: { model: string; alias: string },
  request: ServerRequest,
): Promise<void> {
  const start = performance.now();
  const routing = await server.json<RoutingView>(request);
  const took = formatSeconds((performance.now() - start) / 1000);
  const route = describeRoute(alias, routeOf(routing, alias));
  output.note(`revision ${routing.revision} in ${took}; other isolates see it within 10 s`);
  output.result(routing, `${output.style("bold", `${model}@${alias}`)}: ${route}`);
}

/** The account of this machine, unless it has no name. */
function localUser(): string | undefined {
  try {
    return userInfo().username || undefined;
  } catch {
    return undefined;
  }
}
