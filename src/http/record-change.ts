import type { Context } from "hono";
import type { ChangeDetails } from "../domain/audit/audit-recorder.ts";
import type { AppEnv } from "./context.ts";

/**
 * Notes for the audit log what a request changes, as far as it is known. It may be called several times.
 * @param details `before` and `after` are whole states, of which only what differs is recorded; never with a secret, or anything of
 *   a person
 */
export function recordChange(c: Context<AppEnv>, details: ChangeDetails): void {
  const noted = c.get("change");
  c.set("change", {
    ...noted,
    ...details,
    ...((noted?.target ?? details.target) && { target: { ...noted?.target, ...details.target } }),
    ...((noted?.before ?? details.before) && { before: { ...noted?.before, ...details.before } }),
    ...((noted?.after ?? details.after) && { after: { ...noted?.after, ...details.after } }),
  });
}
