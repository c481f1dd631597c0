import type { TaskSample } from "./task-samples.ts";

const SENTENCES = [
  "The cat sits outside.",
  "Someone is making music.",
  "How do I reset my password?",
  "Share prices dropped at the start of the week.",
];
const BATCHES = [4, 16, 64];

/** Texts from one sentence to more than the model's token limit, one and several in a request. */
export function textSamples(): TaskSample[] {
  return ["sentence-embeddings", "spam-detection"].flatMap((model) => {
    const check = model === "spam-detection" ? checkLabels : checkVector;
    const [sentence = ""] = SENTENCES;
    const paragraph = SENTENCES.join(" ").repeat(3);
    const long = SENTENCES.join(" ").repeat(40);
    return [
      toSample(model, "one sentence", sentence, check),
      toSample(model, "one paragraph, 96 words", paragraph, check),
      toSample(model, "1,280 words, truncated to 256 tokens", long, check),
      ...BATCHES.map((items) => toList(model, `${items} sentences`, items, check)),
    ];
  });
}

function toSample(
  model: string,
  name: string,
  body: string,
  check: TaskSample["check"],
): TaskSample {
  return { name, model, items: 1, contentType: "text/plain", body, check };
}

function toList(
  model: string,
  name: string,
  items: number,
  check: TaskSample["check"],
): TaskSample {
  const inputs = Array.from({ length: items }, (_, index) => SENTENCES[index % SENTENCES.length]);
  return {
    name,
    model,
    items,
    contentType: "application/json",
    body: JSON.stringify({ inputs }),
    check: (result) => {
      if (!Array.isArray(result) || result.length !== items)
        throw new Error(`expected a list of ${items} results`);
      for (const item of result) check(item);
    },
  };
}

function checkVector(result: unknown): void {
  const norm = Math.hypot(...(result as number[]));
  if (Math.abs(norm - 1) > 1e-4) throw new Error(`expected a vector of norm 1; got ${norm}`);
}

function checkLabels(result: unknown): void {
  const labels = (result as { label: string }[]).map(({ label }) => label).sort();
  if (labels.join() !== "ham,spam")
    throw new Error(`expected the labels ham and spam; got ${labels.join()}`);
}
