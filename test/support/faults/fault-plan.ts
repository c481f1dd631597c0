/** What goes wrong with one call of a binding. */
export const FAULTS = [
  /** It has no effect, and fails. */
  "fails",
  /** It has no effect, and never answers. */
  "hangs",
  /** It takes effect, and fails. */
  "answer-lost",
  /** It takes effect, and never answers. */
  "unanswered",
  /** What it reads ends in the middle, as if that were its end. */
  "cut",
  /** What it reads fails in the middle. */
  "breaks",
  /** What it reads stops in the middle. */
  "stalls",
  /** A bit of what it reads is another one. */
  "garbled",
  /** It reads what was there before the last write of that key, or the last two for a list. */
  "stale",
] as const;
export type Fault = (typeof FAULTS)[number];

/** One call of a binding. */
export interface BindingCall {
  readonly binding: string;
  readonly method: string;
  /** The key, or the prefix of a list. */
  readonly key: string;
}

const WRITES: readonly Fault[] = ["fails", "hangs", "answer-lost", "unanswered"];
const READS: readonly Fault[] = ["fails", "hangs"];
const STREAMS: readonly Fault[] = [...READS, "cut", "breaks", "stalls", "garbled"];

/** By binding and method. */
const APPLICABLE: Readonly<Record<string, readonly Fault[]>> = {
  // Strongly consistent.
  "MODELS.head": READS,
  "MODELS.get": STREAMS,
  "MODELS.list": READS,
  "MODELS.put": WRITES,
  "MODELS.delete": WRITES,
  "CACHE.get": [...READS, "cut", "garbled", "stale"],
  "CACHE.list": [...READS, "stale"],
  "CACHE.put": WRITES,
  "CACHE.delete": WRITES,
  "DATACENTER.match": [...STREAMS, "stale"],
  "DATACENTER.put": WRITES,
  "DATACENTER.delete": WRITES,
  "KEYS.find": READS,
  "KEYS.listKeys": READS,
  "KEYS.getKey": READS,
  "KEYS.usage": READS,
  "KEYS.readAudit": READS,
  "KEYS.auditHead": READS,
  "KEYS.createKey": WRITES,
  "KEYS.updateKey": WRITES,
  "KEYS.rotateKey": WRITES,
  "KEYS.revokeKey": WRITES,
  "KEYS.lease": WRITES,
  "KEYS.appendAudit": WRITES,
  "METRICS.add": WRITES,
};

/** The faults that a call can have. */
export function faultsOf({
  binding,
  method,
}: Pick<BindingCall, "binding" | "method">): readonly Fault[] {
  const faults = APPLICABLE[`${binding}.${method}`];
  if (!faults) throw new Error(`${binding}.${method} has no faults here`);
  return faults;
}

/** How long a call is waited for, and somewhat longer. */
const LONGEST_WAITS_MS: Readonly<Record<string, number>> = {
  "MODELS.put": 30_500,
  "MODELS.delete": 30_500,
  "CACHE.get": 500,
  "DATACENTER.match": 500,
  "KEYS.find": 2500,
};

/** Which of the calls has a fault. */
export class FaultPlan {
  /** Since {@link arm}. */
  readonly calls: BindingCall[] = [];
  /** How long a call is waited for that is never answered; by default as long as the service does. */
  longestWaitMs: number | undefined;
  #hangsUntil = 0;
  #isArmed = false;
  #at = -1;
  #fault: Fault | undefined;

  /**
   * Counts calls from now on.
   * @param at number of the one with the fault, from 0
   */
  arm(at = -1, fault?: Fault): void {
    this.calls.length = 0;
    this.#isArmed = true;
    this.#at = at;
    this.#fault = fault;
  }

  /** Until {@link arm}, calls have no faults and are not counted. */
  disarm(): void {
    this.#isArmed = false;
    this.#hangsUntil = 0;
  }

  /** Whether a call that is never answered is still waited for. */
  get isHanging(): boolean {
    return Date.now() < this.#hangsUntil;
  }

  onHang({ binding, method }: BindingCall): void {
    const expectedMs = LONGEST_WAITS_MS[`${binding}.${method}`] ?? 10_500;
    this.#hangsUntil = Date.now() + (this.longestWaitMs ?? expectedMs);
  }

  next(call: BindingCall): Fault | undefined {
    if (!this.#isArmed) return undefined;
    this.calls.push(call);
    return this.calls.length - 1 === this.#at ? this.#fault : undefined;
  }
}
