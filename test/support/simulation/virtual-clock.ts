import type { Clock } from "../../../src/domain/clock.ts";

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Time that passes from one timer to the next. */
export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  /** A binary heap, the earliest first. */
  readonly #timers: Timer[] = [];
  readonly #cancelled = new Set<Timer>();

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const at = this.#now + Math.max(0, Math.round(milliseconds));
    const timer: Timer = { at, order: this.#order++, callback };
    this.#push(timer);
    return () => void this.#cancelled.add(timer);
  }

  /** A clock that differs from this one. */
  skewed(milliseconds: number): Clock {
    return {
      now: () => this.#now + milliseconds,
      after: (after, callback) => this.after(after, callback),
    };
  }

  /** Lets everything happen until a time. */
  async runUntil(end: number): Promise<void> {
    for (;;) {
      const [next] = this.#timers;
      if (!next || next.at > end) break;
      this.#pop();
      if (this.#cancelled.delete(next)) continue;
      this.#now = next.at;
      next.callback();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  #push(timer: Timer): void {
    const heap = this.#timers;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent] as Timer)) break;
      heap[at] = heap[parent] as Timer;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#timers;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const right = heap[child + 1];
      if (right && isBefore(right, heap[child] as Timer)) child += 1;
      const smallest = heap[child];
      if (!smallest || !isBefore(smallest, last)) break;
      heap[at] = smallest;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Lets all promises settle that wait for nothing but each other. */
function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
