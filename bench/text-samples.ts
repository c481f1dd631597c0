import type { TaskSample } from "./task-samples.ts";

const SENTENCES = [
  "The cat sits outside.",
  "Someone is making music.",
  "How do I reset my password?",
  "Share prices dropped at the start of the week.",
];
const BATCHES = [4, 16, 64];

/** Texts from a sentence to more than a model reads, alone and several at once. */
export function textSamples(): TaskSample[] {
  return ["sentence-embeddings", "spam-detection"].flatMap((model) => {
    const check = model === "spam-detection" ? checkLabels : checkVector;
    const [sentence = ""] = SENTENCES;
    const paragraph = SENTENCES.join(" ").repeat(3);
    const long = SENTENCES.join(" ").repeat(40);
    return [
      toSample(model, "a sentence", sentence, check),
      toSample(model, "a paragraph, 96 words", paragraph, check),
      toSample(model, "1,280 words, cut to 256 tokens", long, check),
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
    check: (answer) => {
      if (!Array.isArray(answer) || answer.length !== items)
        throw new Error(`not a list of ${items}`);
      for (const one of answer) check(one);
    },
  };
}

function checkVector(answer: unknown): void {
  const length = Math.hypot(...(answer as number[]));
  if (Math.abs(length - 1) > 1e-4) throw new Error(`a vector has the length ${length}`);
}

function checkLabels(answer: unknown): void {
  const labels = (answer as { label: string }[]).map(({ label }) => label).sort();
  if (labels.join() !== "ham,spam") throw new Error(`the labels are ${labels.join()}`);
}
