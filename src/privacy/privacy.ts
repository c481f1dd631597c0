import type { Privacy } from "../domain/privacy.ts";
import { createCursors } from "./cursors.ts";
import { createDataExports } from "./data-exports.ts";
import { createErasures } from "./erasures.ts";
import type { PersonalDataStore } from "./personal-data-store.ts";
import { createReceiptSigner } from "./receipt-signer.ts";

/** @param stores in the order in which an erasure goes through them: first those that say that data must not be used any more */
export function createPrivacy(
  secret: Uint8Array<ArrayBuffer>,
  stores: readonly PersonalDataStore[],
): Privacy {
  return {
    erasures: createErasures({
      stores,
      signer: createReceiptSigner(secret),
      cursors: createCursors(secret, "erasure"),
    }),
    exports: createDataExports({ stores, cursors: createCursors(secret, "export") }),
  };
}
