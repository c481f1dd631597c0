import { abortIsolate, WorkerEntrypoint } from "cloudflare:workers";
import type { CallHead, IsolateEnv } from "../../../../src/hosts/isolate/wire/protocol.ts";
import { type Reached, reach } from "./reach.ts";
import { REPLIES, type ReplyName, RIGHT, TENSORS, type TensorsName } from "./replies.ts";
import type { HostileSession } from "./session.ts";

/**
 * The isolate of a model that does what it likes. `execute` does what its inputs say:
 *
 * - `{"reach": {...}}` tries what an isolate must not be able to do, and returns what came of it;
 * - `{"keep": true}` keeps its session for the calls that follow;
 * - `{"reply": "..."}` replies with one of {@link REPLIES};
 * - `{"act": "..."}` does one of {@link ACTS};
 * - `{"count": true}` returns how many calls the isolate has had.
 *
 * `infer` replies with those tensors of {@link TENSORS} whose number the last byte of its input is. Everything else
 * is done as the isolate was told last, by `{"everywhere": "..."}`.
 */
export interface HostileRequest {
  readonly reach?: {
    readonly origin: string;
    readonly paths: readonly string[];
    readonly keys: readonly string[];
  };
  readonly keep?: boolean;
  readonly reply?: ReplyName;
  readonly act?: Act;
  readonly everywhere?: ReplyName | Act;
  readonly count?: boolean;
}

/** What ends a call without a reply. */
const ACTS = {
  /** Ends the isolate. */
  end: async () => endIsolate(),
  /** Ends the isolate after the first part of a stream. */
  "end later": async () => endAfterPart(),
  throw: () => {
    throw new Error("a hostile error");
  },
  /** Never replies. */
  hang: () => keepBusy(),
} as const;
type Act = keyof typeof ACTS;

let calls = 0;

let kept: HostileSession | undefined;
let everywhere: ReplyName | Act = "hang";

export class ModelIsolate extends WorkerEntrypoint<IsolateEnv> {
  async execute(
    _head: CallHead,
    request: { readonly inputs: { readonly value: HostileRequest } },
    session: HostileSession,
  ): Promise<unknown> {
    calls += 1;
    const { reach: wanted, keep, reply, act, everywhere: other, count } = request.inputs.value;
    if (count) return RIGHT.task(calls);
    if (other) everywhere = other;
    if (reply) return REPLIES[reply]();
    if (act) return ACTS[act]();
    if (keep) {
      kept = session.dup();
      return RIGHT.task("kept");
    }
    const reached: Reached = wanted
      ? await reach({ ...wanted, env: this.env, context: this.ctx, session, kept })
      : {};
    return RIGHT.task(reached);
  }

  async infer(
    _head: CallHead,
    { inputs }: { readonly inputs: readonly { readonly data: Uint8Array }[] },
  ): Promise<unknown> {
    const which = Object.keys(TENSORS)[inputs[0]?.data.at(-1) ?? 0] as TensorsName;
    return RIGHT.other(TENSORS[which]());
  }

  load(): Promise<unknown> {
    return doEverywhere();
  }

  describe(): Promise<unknown> {
    return doEverywhere();
  }

  unload(): Promise<unknown> {
    return doEverywhere();
  }

  stats(): Promise<unknown> {
    return doEverywhere();
  }
}

async function doEverywhere(): Promise<unknown> {
  if (everywhere in REPLIES) return REPLIES[everywhere as ReplyName]();
  return ACTS[everywhere as Act]();
}

function endIsolate(): never {
  abortIsolate?.("a hostile end");
  throw new Error("the isolate did not end");
}

/** A part, and then nothing but the end of the isolate. */
function endAfterPart(): unknown {
  let parts = 0;
  const lines = new ReadableStream({
    type: "bytes",
    async pull(controller) {
      parts += 1;
      if (parts === 1) return controller.enqueue(new TextEncoder().encode('{"part":1}\n'));
      await scheduler.wait(10);
      endIsolate();
    },
  });
  return RIGHT.other({ kind: "stream", lines });
}

/** Without a timer, the runtime would notice that nothing can happen any more, and end the call itself. */
async function keepBusy(): Promise<never> {
  for (;;) await scheduler.wait(100);
}
