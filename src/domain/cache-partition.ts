import type { Call } from "./call.ts";
import type { Manifest } from "./manifest.ts";

/** Between the id of a principal and the hash of a subject. */
const SEPARATOR = ".";
const WITH_SUBJECT = /^(.*)\.([0-9a-f]{32})$/s;

/**
 * The id of those whose requests may use an entry: of the principal for models with `"scope": "key"`, and of principal and
 * subject for requests that name one; `undefined` for an entry that all may use.
 */
export async function cachePartition(
  { cache: { scope } }: Pick<Manifest, "cache">,
  call: Pick<Call, "principal" | "subject">,
): Promise<string | undefined> {
  return scope === "key" || call.subject !== undefined ? partitionOf(call) : undefined;
}

/** The id of the principal, combined with the hash of the subject where the call has one. */
export async function partitionOf({
  principal,
  subject,
}: Pick<Call, "principal" | "subject">): Promise<string> {
  const id = await principal.id();
  return subject === undefined ? id : `${id}${SEPARATOR}${subject}`;
}

/** The principal and the subject of a partition. */
export function fromPartition(partition: string): {
  readonly principal: string;
  readonly subject: string | undefined;
} {
  const [, principal = partition, subject] = WITH_SUBJECT.exec(partition) ?? [];
  return { principal, subject };
}
