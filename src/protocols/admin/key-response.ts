import * as z from "zod";
import { API_KEY_PREFIX } from "../../domain/access/api-key.ts";
import { KEY_STATES } from "../../domain/access/key-authority.ts";
import { keyFieldsSchema } from "../../domain/access/key-schema.ts";
import type { KeyPage, StoredKey } from "../../domain/access/stored-key.ts";

const time = z.iso.datetime();
const count = z.number().min(0);

export const keySchema = keyFieldsSchema.extend({
  id: z.string().describe("It stays when the key is rotated."),
  prefix: z.string().describe("How the key begins, in all its secrets."),
  state: z
    .enum(KEY_STATES)
    .describe("Only an `active` key is accepted. `revoked` is for good; the others can be undone."),
  createdAt: time,
  createdBy: z.string().describe("The principal that created the key."),
  updatedAt: time,
  rotatedAt: time.optional().describe("When the key last got a new secret."),
  overlapEndsAt: time
    .optional()
    .describe("Until when a secret before is still accepted; absent when none is."),
  revokedAt: time.optional(),
  usage: z
    .strictObject({
      requestsPerDay: count.optional(),
      tokensPerDay: count.optional(),
      cpuMsPerDay: count.optional(),
    })
    .optional()
    .describe(
      "What is counted of the quotas today, which begins at 00:00 UTC. Isolates report it within seconds.",
    ),
});

export const keyPageSchema = z.strictObject({
  keys: z.array(keySchema).describe("Newest first."),
  cursor: z.string().optional().describe("Where to go on; absent at the end."),
});

export const createdKeySchema = keySchema.extend({
  key: z.string().describe("The whole key, for `Authorization: Bearer`. It is never shown again."),
});

export function toKeyResponse({ id, ...key }: StoredKey): z.output<typeof keySchema> {
  return { id, prefix: `${API_KEY_PREFIX}${id}`, ...key } as z.output<typeof keySchema>;
}

export function toKeyPageResponse({ keys, cursor }: KeyPage): z.output<typeof keyPageSchema> {
  return { keys: keys.map(toKeyResponse), ...(cursor !== undefined && { cursor }) };
}
