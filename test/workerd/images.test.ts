import { deflateSync } from "node:zlib";
import { InferenceClient } from "@huggingface/inference";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Detection } from "../../src/tasks/image/object-detection-postprocessor.ts";
import { blackPng, expectedImages, pngChunk, readImage } from "../support/images.ts";
import { type Service, startService, type TestResponse } from "../support/service.ts";

/** Images over HTTP, decoded in workerd. */

const IMAGENET = "/models/imagenet-classification";
const FACES = "/models/face-detection";

let service: Service;

beforeAll(async () => {
  service = await startService({ models: ["imagenet-classification", "face-detection"] });
});

afterAll(() => service?.dispose());

const send = (path: string, file: Uint8Array<ArrayBuffer>, type?: string): Promise<TestResponse> =>
  service.request(path, {
    method: "POST",
    body: file,
    headers: type === undefined ? {} : { "content-type": type },
  });

const toBase64 = (file: Uint8Array): string => Buffer.from(file).toString("base64");

const cup = readImage("coffee.jpg");
const cat = readImage("chelsea.webp");
const astronaut = readImage("astronaut.png");

interface Label {
  label: string;
  score: number;
}

describe("a photograph", () => {
  test.each(expectedImages.classified)(
    "the photograph $file has the labels of Python",
    async ({ file, prediction }) => {
      const type = file.endsWith(".webp") ? "image/webp" : "image/jpeg";
      const { status, body } = await send(IMAGENET, readImage(file), type);
      expect(status).toBe(200);
      const found = body as Label[];
      expect(found.map(({ label }) => label)).toEqual(prediction.map(({ label }) => label));
      for (const [rank, { score }] of prediction.entries())
        expect(found[rank]?.score).toBeCloseTo(score, 4);
    },
  );

  test.each([
    ["another type than it is", "image/png"],
    ["the type of bytes", "application/octet-stream"],
    ["no type", undefined],
    ["curl's type", "application/x-www-form-urlencoded"],
  ])("a photograph as a body of %s has the same prediction", async (_, type) => {
    const { body } = await send(IMAGENET, cup, "image/jpeg");
    expect(await send(IMAGENET, cup, type)).toMatchObject({ status: 200, body });
  });

  test("a photograph in JSON, in a form, and as a body has the same prediction", async () => {
    const { body } = await send(`${IMAGENET}?top_k=2`, cup, "image/jpeg");
    expect(body).toHaveLength(2);
    const parameters = { top_k: 2 };
    const inputs = toBase64(cup);
    expect((await service.post(IMAGENET, { inputs, parameters })).body).toEqual(body);
    const url = `data:image/jpeg;base64,${inputs}`;
    expect((await service.post(IMAGENET, { inputs: url, parameters })).body).toEqual(body);
    const form = new FormData();
    form.append("inputs", new Blob([cup], { type: "image/jpeg" }), "cup.jpg");
    form.append("parameters", JSON.stringify(parameters));
    const response = await service.request(IMAGENET, { method: "POST", body: form });
    expect(response).toMatchObject({ status: 200, body });
  });

  test("a photograph in a list has the same prediction as alone", async () => {
    const files = [cup, cat, astronaut, readImage("grey.png"), readImage("portrait.jpg")];
    const alone = await Promise.all(files.map((file) => send(IMAGENET, file, "image/jpeg")));
    const inputs = Array.from(
      { length: 10 },
      (_, index) => files[index % files.length] as typeof cup,
    );
    const list = await service.post(IMAGENET, { inputs: inputs.map(toBase64) });
    const form = new FormData();
    for (const file of inputs) form.append("inputs", new Blob([file]));
    const parts = await service.request(IMAGENET, { method: "POST", body: form });
    for (const { status, body } of [list, parts]) {
      expect(status).toBe(200);
      const predictions = body as Label[][];
      expect(predictions).toHaveLength(inputs.length);
      for (const [index, prediction] of predictions.entries()) {
        const single = alone[index % files.length]?.body as Label[];
        expect(prediction.map(({ label }) => label)).toEqual(single.map(({ label }) => label));
        for (const [rank, { score }] of prediction.entries())
          expect(score).toBeCloseTo(single[rank]?.score ?? Number.NaN, 5);
      }
    }
  });

  test("server-timing has the phases of a photograph", async () => {
    const { headers } = await send(IMAGENET, cup, "image/jpeg");
    const phases = [...(headers.get("server-timing") ?? "").matchAll(/(\w+);dur/g)].map(
      ([, name]) => name,
    );
    for (const phase of ["decode", "preprocess", "infer", "postprocess"])
      expect(phases).toContain(phase);
  });
});

describe("a face", () => {
  const faces = async (file: Uint8Array<ArrayBuffer>, query = ""): Promise<Detection[]> => {
    const { status, body } = await send(`${FACES}${query}`, file, "image/png");
    expect(status).toBe(200);
    return body as Detection[];
  };

  test("a face is detected where Python detects it", async () => {
    const { file, prediction } = expectedImages.detected;
    const [face, ...others] = await faces(readImage(file));
    expect(others).toEqual([]);
    expect(face?.label).toBe(prediction.label);
    expect(face?.score).toBeCloseTo(prediction.score, 4);
    for (const [edge, position] of Object.entries(prediction.box))
      expect(face?.box[edge as keyof Detection["box"]]).toBeCloseTo(position, 2);
  });

  test("no face is detected in a cup", async () => {
    expect(await faces(cup)).toEqual([]);
  });

  test("the threshold parameter determines the lowest score of returned faces", async () => {
    const [face] = await faces(astronaut);
    expect(await faces(astronaut, `?threshold=${(face?.score ?? 0) + 0.01}`)).toEqual([]);
    const all = await faces(astronaut, "?threshold=0");
    expect(all.length).toBeGreaterThan(10);
    expect(all.length).toBeLessThanOrEqual(100);
  });

  test("a threshold above 1 is refused", async () => {
    const response = await send(`${FACES}?threshold=1.5`, astronaut, "image/png");
    expect(response).toMatchObject({ status: 400, body: { code: "invalid_request" } });
  });
});

describe("with @huggingface/inference", () => {
  const client = (path: string): InferenceClient =>
    new InferenceClient("", { endpointUrl: `${service.origin}${path}` });

  test.each([
    ["bytes", cup],
    ["a Blob", new Blob([cup])],
    ["a Blob with a type", new Blob([cup], { type: "image/jpeg" })],
  ])("imageClassification accepts %s", async (_, data) => {
    const prediction = await client(IMAGENET).imageClassification({ data: data as Blob });
    expect(prediction[0]).toEqual({ label: "espresso", score: expect.any(Number) });
  });

  test("objectDetection returns boxes", async () => {
    const prediction = await client(FACES).objectDetection({ data: new Blob([astronaut]) });
    expect(prediction).toEqual((await send(FACES, astronaut, "image/png")).body);
  });
});

describe("invalid images", () => {
  const half = (file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
    file.slice(0, Math.floor(file.length / 2));

  test.each([
    ["a truncated JPEG", half(cup), 400, /cannot be decoded: Premature end of JPEG file/],
    ["a truncated PNG", half(astronaut), 400, /not a valid PNG image/],
    ["a truncated WebP", half(cat), 400, /not a valid WebP image/],
    [
      "a PNG of fewer rows",
      blackPng(8, 8, 4),
      400,
      /cannot be decoded: the data of its pixels .* too short/,
    ],
    ["a bomb", blackPng(30_000, 30_000), 400, /30000 x 30000 pixels, too many to decode/],
    ["a CMYK JPEG", readImage("cmyk.jpg"), 415, /is a CMYK JPEG/],
    ["an animated WebP", readImage("animated.webp"), 415, /an animated WebP image/],
    ["a GIF that is called a JPEG", readImage("picture.gif"), 415, /got a GIF image/],
    ["a text that is called a JPEG", Uint8Array.from(Buffer.from("no image")), 415, /got 8 bytes/],
  ])("%s is refused, and the next image is not", async (_, file, status, message) => {
    const before = (await send(IMAGENET, cup, "image/jpeg")).body;
    for (let again = 0; again < 3; again++)
      expect(await send(IMAGENET, file, "image/jpeg")).toMatchObject({
        status,
        body: { detail: expect.stringMatching(message) },
      });
    for (const [file, type] of [
      [cat, "image/webp"],
      [astronaut, "image/png"],
    ] as const)
      expect((await send(IMAGENET, file, type)).status).toBe(200);
    expect((await send(IMAGENET, cup, "image/jpeg")).body).toEqual(before);
  });

  test("a type that no image model accepts is refused", async () => {
    expect(await send(IMAGENET, readImage("picture.gif"), "image/gif")).toMatchObject({
      status: 415,
      body: {
        detail: expect.stringContaining("This model takes no image/gif; got a GIF image: send"),
      },
    });
  });

  test("a URL is refused", async () => {
    const response = await service.post(IMAGENET, { inputs: "https://example.com/cat.jpg" });
    expect(response).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining("which is not fetched") },
    });
  });

  test("an invalid image in a list is refused by its index", async () => {
    const inputs = [toBase64(cup), toBase64(half(cup))];
    expect(await service.post(IMAGENET, { inputs })).toMatchObject({
      status: 400,
      body: { detail: expect.stringMatching(/^inputs\[1\] is not a valid JPEG image/) },
    });
  });

  test("concurrent invalid images do not affect valid ones", async () => {
    const files = Array.from({ length: 8 }, (_, index) => (index % 2 ? half(cup) : cup));
    const responses = await Promise.all(files.map((file) => send(FACES, file, "image/jpeg")));
    expect(responses.map(({ status }) => status)).toEqual(
      files.map((file) => (file === cup ? 200 : 400)),
    );
  });
});

describe("the metadata and data of a PNG are inflated in bounded pieces:", () => {
  const insert = (file: Uint8Array, ...chunks: Buffer[]): Uint8Array<ArrayBuffer> =>
    new Uint8Array(Buffer.concat([file.subarray(0, 33), ...chunks, file.subarray(33)]));
  const digits = "49492a0008000000010012010300010000000600000000000000";
  const profile = Buffer.from(`\nexif\n      26\n${digits}\n`, "latin1");
  const text = (body: Buffer): Buffer =>
    pngChunk("zTXt", Buffer.concat([Buffer.from("Raw profile type exif\0\0", "latin1"), body]));

  test.each([
    ["whole", deflateSync(profile)],
    ["followed by other bytes", Buffer.concat([deflateSync(profile), Buffer.from("junk")])],
    ["without its checksum", deflateSync(profile).subarray(0, -4)],
  ])("the orientation in a compressed profile that is %s is applied", async (_, body) => {
    const exif = pngChunk("eXIf", Buffer.from(digits, "hex"));
    const turned = await send(FACES, insert(astronaut, exif));
    expect(turned.status).toBe(200);
    expect(turned.body).not.toEqual((await send(FACES, astronaut)).body);
    expect(await send(FACES, insert(astronaut, text(body)))).toMatchObject({
      status: 200,
      body: turned.body,
    });
  });

  test("a text of gigabytes, and data after the pixels, are refused", async () => {
    const zeros = deflateSync(Buffer.alloc(50_000_000));
    expect(await send(FACES, insert(astronaut, text(zeros)))).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('its text "Raw profile type exif" has more than') },
    });
    expect(await send(FACES, blackPng(16, 16, 20_000_000))).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining("its data (IDAT) continue after its pixels") },
    });
  });
});
