import type { CachedReply, OpenReply } from "../../../../src/hosts/isolate/wire/protocol.ts";

/** A session as a hostile isolate holds it: every method can be called with anything. */
export interface HostileSession {
  dup(): HostileSession;
  manifest(...args: unknown[]): Promise<{ readonly name: string }>;
  open(path: unknown): Promise<OpenReply>;
  runCached(key: unknown, outputs: unknown, run: unknown): Promise<CachedReply>;
  closed(): Promise<void>;
}
