import type { FuzzKind } from "../fuzz-kind.ts";
import { post, toByteString } from "../http/request.ts";
import { hostileText, KEYS } from "../mutate/hostile-text.ts";
import { mutateBytes } from "../mutate/mutate-bytes.ts";
import { mutateMedia } from "../mutate/mutate-media.ts";
import type { Random } from "../random.ts";
import { MEDIA_TYPES, type MediaSample, type Samples } from "../samples/samples.ts";

const BOUNDARIES = [
  "----WebKitFormBoundary7MA4YWxkTrZu0gW",
  "a b",
  "'",
  "",
  "-",
  "a".repeat(70),
  "X".repeat(300),
];
const VALUES = [
  "[5.1, 3.5, 1.4, 0.2]",
  '{"top_k":1}',
  '{"threshold":0.5}',
  "text",
  "{",
  "null",
  "[]",
];
const TYPES = ["application/octet-stream", "application/x", "text/plain; charset=utf-16", ""];
const EXTRA_HEADERS = ["Content-Transfer-Encoding: base64", "a", ": b", `x: ${"a".repeat(9000)}`];
/** As many parts as a form of this size can have. */
const MANY_PARTS = 2000;

export const forms: FuzzKind = {
  name: "forms",
  description: "multipart and URL-encoded forms: parts, their headers, boundaries",
  weight: 7,
  create(random, samples) {
    const sample = random.pickWeighted(samples.media);
    const target = `/models/${sample.model}`;
    if (random.chance(0.15))
      return post(target, "application/x-www-form-urlencoded", urlEncoded(random));
    const boundary = random.chance(0.8) ? "X" : random.pick(BOUNDARIES);
    const parts = createParts(sample, random, samples);
    const form = Buffer.concat([
      ...parts.flatMap((part) => [Buffer.from(`--${boundary}\r\n`), part, Buffer.from("\r\n")]),
      Buffer.from(random.chance(0.95) ? `--${boundary}--\r\n` : `--${boundary}`),
    ]);
    const body = random.chance(0.1) ? mutateBytes(form, random) : form;
    return post(target, contentType(boundary, random), body);
  },
};

function contentType(boundary: string, random: Random): string {
  const quoted = /^[\w-]+$/.test(boundary) ? boundary : `"${boundary}"`;
  if (random.chance(0.93)) return `multipart/form-data; boundary=${quoted}`;
  return random.pick([
    "multipart/form-data",
    "multipart/form-data; boundary=",
    `multipart/form-data; boundary=other`,
    `multipart/form-data; boundary=${boundary}; boundary=b`,
    `multipart/mixed; boundary=${quoted}`,
    `MULTIPART/FORM-DATA;charset=utf-16;boundary=${quoted}`,
  ]);
}

/** The file of the model, then at times other fields. */
function createParts(sample: MediaSample, random: Random, samples: Samples): Buffer[] {
  if (random.chance(0.01))
    return Array<Buffer>(MANY_PARTS).fill(
      createPart({ name: "a", body: Buffer.from("1") }, random),
    );
  const parts = random.chance(0.03) ? [] : [createFile(sample, random)];
  for (let left = random.pick([0, 0, 0, 1, 1, 2, 20]); left > 0; left--) {
    if (random.chance(0.3)) parts.push(createFile(random.pickWeighted(samples.media), random));
    else parts.push(createField(random));
  }
  return random.chance(0.2) ? parts.reverse() : parts;
}

function createFile({ format, bytes }: MediaSample, random: Random): Buffer {
  const filename = random.chance(0.7)
    ? `a.${format}`
    : random.pick(["", "a/../b", 'a"b', toByteString("é.png"), "a".repeat(300)]);
  return createPart(
    {
      name: random.chance(0.9) ? "inputs" : random.pick(KEYS),
      filename,
      type: random.chance(0.8) ? MEDIA_TYPES[format] : random.pick(TYPES),
      body: random.chance(0.5) ? bytes : mutateMedia(bytes, format, random),
    },
    random,
  );
}

function createField(random: Random): Buffer {
  const name = random.pick(["inputs", "parameters", "parameters", random.pick(KEYS)]);
  const value = random.chance(0.8) ? random.pick(VALUES) : hostileText(random);
  return createPart({ name, body: Buffer.from(value) }, random);
}

interface Part {
  readonly name: string;
  readonly filename?: string;
  readonly type?: string;
  readonly body: Uint8Array;
}

function createPart({ name, filename, type, body }: Part, random: Random): Buffer {
  const file = filename === undefined ? "" : `; filename="${filename}"`;
  const headers = [`Content-Disposition: form-data; name="${name}"${file}`];
  if (type !== undefined) headers.push(`Content-Type: ${type}`);
  if (random.chance(0.04)) headers.push(random.pick(EXTRA_HEADERS));
  if (random.chance(0.02)) headers.shift();
  const end = random.chance(0.98) ? "\r\n" : "\n";
  return Buffer.concat([Buffer.from(`${headers.join(end)}${end}${end}`, "latin1"), body]);
}

function urlEncoded(random: Random): string {
  const pairs = Array.from({ length: random.pick([0, 1, 2, 5, 3000]) }, () => {
    const name = random.chance(0.6) ? "inputs" : random.pick(KEYS);
    const value = random.pick([
      "5.1,3.5,1.4,0.2",
      "%",
      "%zz",
      "%00",
      "%ff",
      "+",
      "",
      "a=b",
      "%C3%A9",
      "a b",
    ]);
    return `${name}=${value}`;
  });
  return pairs.join(random.pick(["&", "&", "&&", ";"]));
}
