import { describe, expect, test } from "vitest";
import { createCall } from "../../../../src/domain/call.ts";
import { Deadline } from "../../../../src/domain/deadline.ts";
import { createWindowQueue } from "../../../../src/tasks/speech/window-queue.ts";
import { rejectedApiError } from "../../../support/errors.ts";

function held() {
  const { promise, resolve } = Promise.withResolvers<string>();
  return { work: () => promise, end: resolve };
}

describe("windows of several recordings", () => {
  test("run one after the other, also after one that fails", async () => {
    const queue = createWindowQueue();
    const order: string[] = [];
    const first = held();
    const running = queue.run(createCall(), first.work);
    const failing = queue.run(createCall(), async () => {
      order.push("second");
      throw new Error("broken");
    });
    const last = queue.run(createCall(), async () => {
      order.push("third");
      return 3;
    });
    order.push("first ends");
    first.end("one");
    expect(await running).toBe("one");
    await expect(failing).rejects.toThrow("broken");
    expect(await last).toBe(3);
    expect(order).toEqual(["first ends", "second", "third"]);
  });

  test("that wait end with their client, and with their deadline", async () => {
    const queue = createWindowQueue();
    const first = held();
    const running = queue.run(createCall(), first.work);
    const never = async () => expect.unreachable();
    const leaving = new AbortController();
    const left = queue.run(createCall({ signal: leaving.signal }), never);
    leaving.abort();
    await rejectedApiError("client_closed_request", left);
    let now = 0;
    const deadline = new Deadline({ timeoutMs: 100, now: () => now });
    const late = queue.run(createCall({ deadline }), never);
    now = 101;
    await rejectedApiError("deadline_exceeded", late);
    first.end("one");
    await running;
  });

  test("do not wait for one that is over its deadline", async () => {
    const queue = createWindowQueue();
    let now = 0;
    const deadline = new Deadline({ timeoutMs: 100, now: () => now });
    const lost = held();
    const ended = queue.run(createCall({ deadline }), lost.work);
    now = 101;
    expect(await queue.run(createCall(), async () => 2)).toBe(2);
    lost.end("late");
    await ended;
    expect(await queue.run(createCall(), async () => 3)).toBe(3);
  });
});
