import { toHex } from "../../shared/hex.ts";
import { sha256 } from "../../shared/sha256.ts";

const ID_BYTES = 8;

/**
 * The id of a principal that calls over a service binding, as of an API key; no key begins as what is hashed does.
 * @param principal of the binding's props; then, after a zero character, the one that the call names
 */
export async function workerId(principal: string): Promise<string> {
  return toHex((await sha256(`\0rpc\0${principal}`)).subarray(0, ID_BYTES));
}
