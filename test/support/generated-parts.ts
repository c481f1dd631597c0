import type { TaskRequest, TaskStream } from "../../src/domain/task.ts";
import { createTestApp, type TestApp } from "./test-app.ts";

/** A token of a streamed text, as the text-generation task returns it. */
export interface TestToken {
  readonly id: number;
  readonly text: string;
  readonly logprob?: number;
  readonly special?: boolean;
  readonly top?: readonly (readonly [text: string, logprob: number])[];
}

export interface TestText {
  readonly tokens: readonly TestToken[];
  readonly finish: "length" | "eos_token" | "stop_sequence";
  readonly promptTokens?: number;
  /** The tokens of the prompt, in the first part. */
  readonly prefill?: readonly unknown[];
  /** Thrown after the tokens. */
  readonly failure?: Error;
  /** What the last token adds beside its own text. */
  readonly rest?: string;
}

/** The stream of the text-generation task for a text. */
export function streamOf(text: TestText, onReturn: () => void = () => undefined): TaskStream {
  const { tokens, finish, failure, promptTokens = 3, prefill, rest = "" } = text;
  let at = 0;
  const whole = tokens.map((token) => (token.special ? "" : token.text)).join("") + rest;
  const parts: AsyncIterableIterator<unknown, undefined> = {
    async next() {
      const token = tokens[at];
      if (!token) {
        if (failure) throw failure;
        return { done: true, value: undefined };
      }
      at += 1;
      const isLast = at === tokens.length && !failure;
      const { top, ...described } = token;
      const value = {
        index: at,
        token: { logprob: -0.5, special: false, ...described },
        ...(top && { top_tokens: top.map(([each, logprob]) => ({ text: each, logprob })) }),
        ...(prefill && at === 1 && { prefill }),
        generated_text: isLast ? whole : null,
        details: isLast
          ? { finish_reason: finish, generated_tokens: at, input_length: promptTokens }
          : null,
      };
      return { done: false, value };
    },
    async return() {
      onReturn();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => parts,
  };
  return { kind: "stream", parts };
}

/** The app, whose task returns these texts one after the other. */
export function createGenerationApp(...texts: TestText[]): TestApp & {
  readonly requests: TaskRequest[];
  post(path: string, value: object): Promise<Response>;
} {
  const requests: TaskRequest[] = [];
  const app = createTestApp({
    async runTask(_model, request) {
      if (request.checkOnly) return { kind: "value", value: null, form: "list" };
      requests.push(request);
      const text = texts[requests.length - 1] ?? texts[0];
      if (!text) throw new Error("no text is expected");
      return streamOf(text);
    },
  });
  const post = (path: string, value: object): Promise<Response> =>
    app.request(path, { method: "POST", body: JSON.stringify({ model: "pocket-gpt", ...value }) });
  return { ...app, requests, post };
}

/** The data of server-sent events. */
export async function eventsOf(response: Response): Promise<unknown[]> {
  const events = (await response.text()).split("\n\n").filter((event) => event !== "");
  return events.map((event) => {
    const data = event.replace(/^data: /, "");
    return data === "[DONE]" ? data : JSON.parse(data);
  });
}
