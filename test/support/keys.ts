import { generateApiKey, generateKeyId } from "../../src/domain/access/api-key.ts";
import type { Grantor } from "../../src/domain/access/grantor.ts";
import type { KeyAuthority } from "../../src/domain/access/key-authority.ts";
import type { KeyFields } from "../../src/domain/access/stored-key.ts";
import { createAuthority } from "../../src/guard/authority/authority.ts";
import { toHex } from "../../src/shared/hex.ts";
import { sha256 } from "../../src/shared/sha256.ts";
import { createTestStorage, type TestStorage } from "./sql.ts";

export interface IssuedKey {
  readonly id: string;
  readonly key: string;
}

export interface TestKeys {
  readonly storage: TestStorage;
  /** What isolates ask. It may be out of reach. */
  readonly authority: KeyAuthority;
  /** The ids of each question so far. */
  readonly questions: (readonly string[])[];
  /** What happens to questions from now on: they are answered, fail, or wait until `release`. */
  reach: "answers" | "fails" | "hangs";
  /** Answers the questions that wait. */
  release(): void;
  create(fields?: Partial<KeyFields>): Promise<IssuedKey>;
  rotate(id: string, overlapSeconds: number): Promise<IssuedKey>;
}

export const GRANTOR: Grantor = { label: "key:12345678", scopes: ["admin"] };

/** The authority of keys over Node's SQLite. */
export function createTestKeys(): TestKeys {
  const storage = createTestStorage();
  const own = createAuthority(storage);
  const waiting: (() => void)[] = [];
  const keys: TestKeys = {
    storage,
    authority: {
      ...(own as unknown as KeyAuthority),
      async find(ids) {
        keys.questions.push(ids);
        if (keys.reach === "fails") throw new Error("out of reach");
        // It is the state when the question arrives that is told.
        const found = own.find(ids);
        if (keys.reach === "hangs") await new Promise<void>((resolve) => waiting.push(resolve));
        return found;
      },
    },
    questions: [],
    reach: "answers",
    release: () => {
      for (const resolve of waiting.splice(0)) resolve();
    },
    async create(fields = {}) {
      const id = generateKeyId();
      const key = generateApiKey(id);
      own.createKey(
        { id, sha256: await digest(key) },
        { name: "a test", scopes: ["predict"], ...fields },
        GRANTOR,
      );
      return { id, key };
    },
    async rotate(id, overlapSeconds) {
      const key = generateApiKey(id);
      own.rotateKey({ id, sha256: await digest(key) }, overlapSeconds, GRANTOR);
      return { id, key };
    },
  };
  return keys;
}

async function digest(key: string): Promise<string> {
  return toHex(await sha256(key));
}
