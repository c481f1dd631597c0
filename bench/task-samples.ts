import { readPhotograph } from "./photographs.ts";

/** A request to the task API. */
export interface TaskSample {
  readonly name: string;
  readonly model: string;
  /** Number of items in the request. */
  readonly items: number;
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer> | string;
  /** Replaces `maxBatch` of the model's preprocess block. */
  readonly maxBatch?: number;
  /** @throws Error when the result is wrong */
  check(result: unknown): void;
}

const BATCH = 8;
const BATCHES = [1, 4];

/** Photographs from 300 x 200 pixels to the resolution of a phone, one and eight in a request. */
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
  const lists = (model: string, check: (result: unknown) => void): TaskSample[] =>
    BATCHES.map((maxBatch) => ({
      ...toList(model, check),
      name: `${BATCH} small images in runs of ${maxBatch}`,
      maxBatch,
    }));
  const toList = (model: string, check: (result: unknown) => void): TaskSample => ({
    name: "",
    model,
    items: BATCH,
    contentType: "application/json",
    body: JSON.stringify({ inputs }),
    check: (result) => {
      if (!Array.isArray(result) || result.length !== BATCH)
        throw new Error(`expected a list of ${BATCH} results`);
      for (const item of result) check(item);
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
  check: (result: unknown) => void,
): TaskSample {
  return { name, model, items: 1, contentType: "image/jpeg", body, check };
}

/** The noise may change which label of the cup comes first, but `espresso` must be among the best. */
function checkCup(result: unknown): void {
  const labels = (result as { label: string }[]).map(({ label }) => label);
  if (!labels.includes("espresso"))
    throw new Error(`expected the label espresso; got ${labels.join(", ")}`);
}

function checkNoFace(result: unknown): void {
  if (!Array.isArray(result) || result.length > 0)
    throw new Error(`expected no face; got ${JSON.stringify(result)}`);
}
