import { readPhotograph } from "./photographs.ts";

/** One kind of request to the task door. */
export interface TaskSample {
  readonly name: string;
  readonly model: string;
  /** How many answers one request gets. */
  readonly items: number;
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer> | string;
  /** `maxBatch` of the model's block, when another one than the published is to be measured. */
  readonly maxBatch?: number;
  /** @throws Error when it is not the answer */
  check(answer: unknown): void;
}

const BATCH = 8;
const BATCHES = [1, 4];

/** Photographs from small to what a phone takes, alone and eight at once. */
export async function imageSamples(): Promise<TaskSample[]> {
  const sizes = [
    [300, 200],
    [1200, 800],
    [4032, 2688],
  ] as const;
  const photographs = await Promise.all(
    sizes.map(async ([width, height]) => {
      const body = new Uint8Array(await readPhotograph(width, height));
      const kilobytes = (body.length / 1000).toFixed(0);
      return { body, title: `${width} x ${height} JPEG, ${kilobytes} KB` };
    }),
  );
  const single = photographs.flatMap(({ body, title }) => [
    toSample("imagenet-classification", title, body, checkCup),
    toSample("face-detection", title, body, checkNoFace),
  ]);
  const [{ body }] = photographs as [(typeof photographs)[number]];
  const inputs = Array.from({ length: BATCH }, () => Buffer.from(body).toString("base64"));
  const lists = (model: string, check: (answer: unknown) => void): TaskSample[] =>
    BATCHES.map((maxBatch) => ({
      ...toList(model, check),
      name: `${BATCH} small ones in runs of ${maxBatch}`,
      maxBatch,
    }));
  const toList = (model: string, check: (answer: unknown) => void): TaskSample => ({
    name: "",
    model,
    items: BATCH,
    contentType: "application/json",
    body: JSON.stringify({ inputs }),
    check: (answer) => {
      if (!Array.isArray(answer) || answer.length !== BATCH) throw new Error("not a list of eight");
      for (const one of answer) check(one);
    },
  });
  return [
    ...single,
    ...lists("imagenet-classification", checkCup),
    ...lists("face-detection", checkNoFace),
  ];
}

function toSample(
  model: string,
  name: string,
  body: Uint8Array<ArrayBuffer>,
  check: (answer: unknown) => void,
): TaskSample {
  return { name, model, items: 1, contentType: "image/jpeg", body, check };
}

/** Grain may make another of the cup's names the best one, but none of the labels of other things. */
function checkCup(answer: unknown): void {
  const labels = (answer as { label: string }[]).map(({ label }) => label);
  if (!labels.includes("espresso")) throw new Error(`the cup is called ${labels.join(", ")}`);
}

function checkNoFace(answer: unknown): void {
  if (!Array.isArray(answer) || answer.length > 0)
    throw new Error(`a face was found in a cup: ${JSON.stringify(answer)}`);
}
