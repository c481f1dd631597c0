import type { OwnedData, Purge } from "./cache.ts";

const FIELDS = ["principal", "subject", "request"] as const;
type Field = (typeof FIELDS)[number];

/** Data that may have owners of several kinds: the principal that it is for, and the one whose request it was made of. */
export interface OwnedBy {
  readonly principals: readonly (string | undefined)[];
  readonly subject: string | undefined;
  readonly request: string | undefined;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** When what belongs to a principal, a subject or a request was erased. */
export class ErasureIndex {
  readonly #erasedAt = new Map<string, number>();

  /** @returns whether it is an erasure of what belongs to one of them, and of nothing else; others are not added */
  add(purge: Purge): boolean {
    const { model, version, client } = purge;
    if (model !== undefined || version !== undefined || client !== undefined) return false;
    const given = FIELDS.filter((field) => purge[field] !== undefined);
    const [field] = given;
    if (given.length !== 1 || !field) return false;
    const mark = `${field} ${purge[field]}`;
    this.#erasedAt.set(mark, Math.max(purge.at, this.#erasedAt.get(mark) ?? 0));
    return true;
  }

  get isEmpty(): boolean {
    return this.#erasedAt.size === 0;
  }

  /** @param lateMs how long after an erasure data may have been stored that is older */
  covers({ principals, subject, request, createdAt }: OwnedBy, lateMs = 0): boolean {
    const isErased = (field: Field, value: string | undefined): boolean =>
      value !== undefined &&
      createdAt <= (this.#erasedAt.get(`${field} ${value}`) ?? Number.NEGATIVE_INFINITY) + lateMs;
    return (
      isErased("subject", subject) ||
      isErased("request", request) ||
      principals.some((principal) => isErased("principal", principal))
    );
  }

  /** {@link covers} for data of one owner of each kind. */
  coversOwned({ principal, subject, request, createdAt }: OwnedData): boolean {
    return this.covers({ principals: [principal], subject, request, createdAt });
  }
}
