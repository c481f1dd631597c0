import { readFileSync } from "node:fs";
import type { ClientTexts } from "./client-texts.ts";
import type { TextsResult } from "./texts.ts";

// The program behind client-texts.ts: reads a ClientTexts from standard input, prints a TextsResult.
const options = JSON.parse(readFileSync(0, "utf8")) as ClientTexts;
const { prompts, atOnce, stream, tokens: newTokens } = options;

if (options.warmUpSeconds > 0) await requestFor(options.warmUpSeconds, 0);
console.log(JSON.stringify(await requestFor(options.seconds, prompts.length)));

/** @param least so many texts are requested, however long that takes */
async function requestFor(duration: number, least: number): Promise<TextsResult> {
  const firstMs: number[] = [];
  const ids: number[][] = [];
  const start = performance.now();
  let next = 0;
  let tokens = 0;
  const requestOnes = async (): Promise<void> => {
    while (next < least || performance.now() - start < duration * 1000) {
      const text = next;
      next += 1;
      const received = await request(prompts[text % prompts.length] ?? "");
      tokens += received.ids.length;
      firstMs.push(received.firstMs);
      if (text < prompts.length) ids[text] = received.ids;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, requestOnes));
  return { tokens, seconds: (performance.now() - start) / 1000, firstMs, ids };
}

async function request(inputs: string): Promise<{ ids: number[]; firstMs: number }> {
  const start = performance.now();
  const parameters = {
    max_new_tokens: newTokens,
    min_new_tokens: newTokens,
    return_full_text: false,
    details: true,
  };
  const response = await fetch(options.url, {
    method: "POST",
    headers: { "content-type": "application/json", ...options.headers },
    body: JSON.stringify({ inputs, parameters, stream }),
  });
  if (!response.ok || !response.body)
    throw new Error(`${options.url} responded ${response.status}: ${await response.text()}`);
  if (!stream) {
    const [{ details }] = (await response.json()) as [{ details: { tokens: { id: number }[] } }];
    return { ids: details.tokens.map(({ id }) => id), firstMs: performance.now() - start };
  }
  const ids: number[] = [];
  let firstMs = 0;
  let text = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    if (firstMs === 0) firstMs = performance.now() - start;
    text += chunk;
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) ids.push(toId(event));
  }
  return { ids, firstMs };
}

function toId(event: string): number {
  const part = JSON.parse(event.replace(/^data: ?/, "")) as { token?: { id: number } };
  if (!part.token) throw new Error(`the stream failed: ${event}`);
  return part.token.id;
}
