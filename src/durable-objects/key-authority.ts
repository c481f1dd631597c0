import { DurableObject } from "cloudflare:workers";
import { toOutcome, toOutcomeLater } from "../domain/durable-object/outcome.ts";
import { type Authority, createAuthority } from "../guard/authority/authority.ts";
import type { AuthorityStub } from "../guard/remote-authority.ts";

type Args<Name extends keyof AuthorityStub> = Parameters<AuthorityStub[Name]>;
type Answer<Name extends keyof AuthorityStub> = Awaited<ReturnType<AuthorityStub[Name]>>;

/**
 * The authority of API keys: one object with a SQLite database for all isolates of a deployment, binding `KEYS`. Its methods are
 * synchronous, so each sees and makes whole changes; what the audit log appends is in a queue.
 */
export class KeyAuthority extends DurableObject<unknown> {
  readonly #authority: Authority;

  constructor(context: DurableObjectState, env: unknown) {
    super(context, env);
    const { storage } = context;
    this.#authority = createAuthority({
      sql: { exec: (query, ...bindings) => storage.sql.exec(query, ...bindings) },
      transaction: (work) => storage.transactionSync(work),
      now: () => Date.now(),
    });
  }

  find(...args: Args<"find">): Answer<"find"> {
    return toOutcome(() => this.#authority.find(...args));
  }

  createKey(...args: Args<"createKey">): Answer<"createKey"> {
    return toOutcome(() => this.#authority.createKey(...args));
  }

  listKeys(...args: Args<"listKeys">): Answer<"listKeys"> {
    return toOutcome(() => this.#authority.listKeys(...args));
  }

  getKey(...args: Args<"getKey">): Answer<"getKey"> {
    return toOutcome(() => this.#authority.getKey(...args));
  }

  updateKey(...args: Args<"updateKey">): Answer<"updateKey"> {
    return toOutcome(() => this.#authority.updateKey(...args));
  }

  rotateKey(...args: Args<"rotateKey">): Answer<"rotateKey"> {
    return toOutcome(() => this.#authority.rotateKey(...args));
  }

  exportKey(...args: Args<"exportKey">): Answer<"exportKey"> {
    return toOutcome(() => this.#authority.exportKey(...args));
  }

  eraseKey(...args: Args<"eraseKey">): Answer<"eraseKey"> {
    return toOutcome(() => this.#authority.eraseKey(...args));
  }

  revokeKey(...args: Args<"revokeKey">): Answer<"revokeKey"> {
    return toOutcome(() => this.#authority.revokeKey(...args));
  }

  lease(...args: Args<"lease">): Answer<"lease"> {
    return toOutcome(() => this.#authority.lease(...args));
  }

  usage(...args: Args<"usage">): Answer<"usage"> {
    return toOutcome(() => this.#authority.usage(...args));
  }

  async appendAudit(...args: Args<"appendAudit">): Promise<Answer<"appendAudit">> {
    return toOutcomeLater(() => this.#authority.appendAudit(...args));
  }

  readAudit(...args: Args<"readAudit">): Answer<"readAudit"> {
    return toOutcome(() => this.#authority.readAudit(...args));
  }

  auditHead(...args: Args<"auditHead">): Answer<"auditHead"> {
    return toOutcome(() => this.#authority.auditHead(...args));
  }

  exportAudit(...args: Args<"exportAudit">): Answer<"exportAudit"> {
    return toOutcome(() => this.#authority.exportAudit(...args));
  }

  async eraseAudit(...args: Args<"eraseAudit">): Promise<Answer<"eraseAudit">> {
    return toOutcomeLater(() => this.#authority.eraseAudit(...args));
  }
}
