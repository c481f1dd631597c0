import type { Context } from "hono";
import type { ChangeAuthor } from "../../domain/routing-change.ts";
import type { AppEnv } from "../../http/context.ts";
import { keyIn } from "../../http/request-traits.ts";
import { toHex } from "../../shared/hex.ts";
import { sha256 } from "../../shared/sha256.ts";

/** Of the digest of a key, which tells keys apart and reveals none. */
const KEY_BYTES = 4;

/** Who makes a change: the key of the request, and whom the request names. */
export async function authorOf(
  c: Context<AppEnv>,
  { actor, note }: Pick<ChangeAuthor, "actor" | "note"> = {},
): Promise<ChangeAuthor> {
  const key = keyIn(c.req.header("authorization")) ?? "";
  const digest = toHex((await sha256(key)).subarray(0, KEY_BYTES));
  return { by: `key:${digest}`, actor, note };
}
