import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Conversation } from "../../../../src/domain/conversation.ts";
import { Media } from "../../../../src/domain/media.ts";
import type { TaskRequest } from "../../../../src/domain/task.ts";
import { TokenIds } from "../../../../src/domain/token-ids.ts";
import type { AnswerPlan } from "../../../../src/tasks/answer-plan.ts";
import { planTextAnswer } from "../../../../src/tasks/generation/text-answer.ts";
import { FIRST_CASE, generationManifest } from "../../../support/generation-fixtures.ts";
import {
  collect,
  createGenerationTask,
  type GenerationTask,
} from "../../../support/generation-task.ts";
import { CELL_BYTES, createPool } from "../../../support/runtime-pool.ts";
import { stubWorkersGlobals } from "../../../support/workers-globals.ts";

const MANIFEST = generationManifest("growing");
let task: GenerationTask;

beforeAll(async () => {
  stubWorkersGlobals();
  task = await createGenerationTask(createPool(4 * CELL_BYTES), "growing");
});
afterAll(() => void vi.unstubAllGlobals());

function planOf(request: Partial<TaskRequest>, manifest = MANIFEST): AnswerPlan {
  const plan = planTextAnswer({ inputs: "a", parameters: {}, ...request }, manifest);
  if (!plan || plan === "drawn") throw new Error(`no answer is stored: ${plan}`);
  return plan;
}

const identityOf = (request: Partial<TaskRequest>): unknown => planOf(request).identity;

const FORMS = [false, true].flatMap((details) =>
  [false, true].flatMap((full) =>
    [undefined, 2].map((top_n_tokens) => ({ details, return_full_text: full, top_n_tokens })),
  ),
);

describe.each(["whole", "streamed"] as const)(
  "an answer that was stored of a %s request",
  (kind) => {
    test.each(FORMS)("has the form of each request: %j", async (form) => {
      const inputs = FIRST_CASE.prompt;
      const parameters = { max_new_tokens: 5, do_sample: true, seed: 3, ...form };
      const isInvalid = !form.details && form.top_n_tokens;
      const stored = planOf({
        inputs,
        parameters: { ...parameters, details: true, return_full_text: true },
        stream: kind === "streamed",
      });
      const parts =
        kind === "whole"
          ? stored.toParts(await task.whole(stored.request))
          : await collect((await task.stream(stored.request)).parts);
      const streamed = planOf({ inputs, parameters, stream: true });
      expect(streamed.identity).toEqual(stored.identity);
      expect(parts.map(streamed.toPart)).toEqual(
        await collect((await task.stream({ inputs, parameters })).parts),
      );
      if (isInvalid) return;
      const whole = planOf({ inputs, parameters });
      expect(whole.identity).toEqual(stored.identity);
      const computed = await task.whole({ inputs, parameters });
      expect(whole.toValue(parts)).toEqual(computed.value);
      expect(whole.form).toBe(computed.form);
    });
  },
);

test("a list of texts is stored as it was requested", async () => {
  const request = { inputs: ["a", "b"], parameters: { max_new_tokens: 2 } };
  const plan = planOf(request);
  const computed = await task.whole(plan.request);
  expect(plan.toValue(plan.toParts(computed))).toEqual(computed.value);
  expect(plan.form).toBe("list");
  expect(plan.identity).not.toEqual(identityOf({ ...request, parameters: { details: true } }));
});

test("a text, and the same text as a body, have the same answer", () => {
  const media = new Media("text/plain", new TextEncoder().encode("ä"));
  expect(identityOf({ inputs: media })).toEqual(identityOf({ inputs: "ä" }));
});

test.each<[string, Partial<TaskRequest>, Partial<TaskRequest>]>([
  ["another prompt", { inputs: "a" }, { inputs: "b" }],
  [
    "token ids",
    { inputs: "a" },
    { inputs: new TokenIds([1]), parameters: { return_full_text: false } },
  ],
  ["another number of tokens", {}, { parameters: { max_new_tokens: 3 } }],
  ["another seed", { parameters: { top_k: 2, seed: 1 } }, { parameters: { top_k: 2, seed: 2 } }],
  ["a stop string", {}, { parameters: { stop: ["b"] } }],
  ["more probable tokens", { stream: true }, { parameters: { top_n_tokens: 1 }, stream: true }],
])("a request with %s has another answer", (_, one, other) => {
  expect(identityOf(one)).not.toEqual(identityOf(other));
});

test("of the most probable tokens, the seed changes nothing", () => {
  expect(identityOf({ parameters: { seed: 1 } })).toEqual(identityOf({ parameters: { seed: 2 } }));
});

test.each([
  { parameters: { do_sample: true } },
  { parameters: { temperature: 0.5 } },
  { parameters: { top_p: 0.5, seed: null } },
])("a text that is drawn without a seed has no answer to be stored: %j", ({ parameters }) => {
  expect(planTextAnswer({ inputs: "a", parameters }, MANIFEST)).toBe("drawn");
});

test("a model that draws by its manifest needs a seed", () => {
  const drawing = generationManifest("growing", { doSample: true });
  expect(planTextAnswer({ inputs: "a", parameters: {} }, drawing)).toBe("drawn");
  const seeded = { inputs: "a", parameters: { seed: 1 } };
  expect(planTextAnswer(seeded, drawing)).toMatchObject({ form: "one" });
  const greedy = { inputs: "a", parameters: { do_sample: false } };
  expect(planTextAnswer(greedy, drawing)).toMatchObject({ form: "one" });
});

test.each([
  { parameters: { temperature: -1 } },
  { parameters: { unknown: 1 } },
  { parameters: { top_n_tokens: 2 } },
])("a request that is not valid is left to the task: %j", ({ parameters }) => {
  expect(planTextAnswer({ inputs: "a", parameters }, MANIFEST)).toBeUndefined();
});

test("a conversation has an answer without its prompt", () => {
  const inputs = new Conversation([{ role: "user", content: "hello" }]);
  const plan = planOf({ inputs, parameters: { return_full_text: false } });
  expect(plan.identity).toMatchObject({ inputs });
});

test("an answer tells other requests nothing of the prompts before it", () => {
  const { toShared } = planOf({ stream: true });
  const token = { id: 1, text: "a", logprob: -1, special: false };
  const details = { finish_reason: "length", input_length: 9, cached_tokens: 5 };
  const last = { index: 2, token, generated_text: "ba", details };
  expect(toShared?.(last)).toEqual({ ...last, details: { ...details, cached_tokens: 0 } });
  const first = { index: 1, token, generated_text: null, details: null };
  expect(toShared?.(first)).toEqual(first);
});
