import { afterAll, beforeAll, expect, test } from "vitest";
import { type Service, startService } from "../support/service.ts";

/** Lists of arrays through the task API. */

const DIGIT = Array.from({ length: 8 }, () => [0, 2, 4, 6, 8, 10, 12, 14]);
/** 500,000 values. */
const MAX_DIGITS = 7812;

let service: Service;

beforeAll(async () => {
  service = await startService({ models: ["digits-cnn"] });
});

afterAll(() => service?.dispose());

const send = (count: number) =>
  service.post("/models/digits-cnn", { inputs: Array.from({ length: count }, () => DIGIT) });

test("the largest accepted list of arrays has the same predictions as each array alone", async () => {
  const [alone] = (await send(1)).body as unknown[];
  const { status, body } = await send(MAX_DIGITS);
  expect(status).toBe(200);
  expect(body).toHaveLength(MAX_DIGITS);
  expect((body as unknown[]).at(-1)).toEqual(alone);
});

test.each([MAX_DIGITS + 1, 50_000])(
  "a list of %i arrays is refused with the limit",
  async (count) => {
    expect(await send(count)).toMatchObject({
      status: 400,
      body: {
        code: "invalid_input",
        detail: `"inputs" has ${count} arrays of shape [8, 8]: a request may have ${MAX_DIGITS} at most.`,
      },
    });
  },
);
