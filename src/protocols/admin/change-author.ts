import type { Context } from "hono";
import type { ChangeAuthor } from "../../domain/routing-change.ts";
import type { AppEnv } from "../../http/context.ts";

/** Who makes a change: the client that was identified, and whom the request names. */
export function authorOf(
  c: Context<AppEnv>,
  { actor, note }: Pick<ChangeAuthor, "actor" | "note"> = {},
): ChangeAuthor {
  return { by: c.get("principal")?.label ?? "anonymous", actor, note };
}
