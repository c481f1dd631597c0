import type { CacheAddress, CacheEntry } from "../domain/cache.ts";
import type { Datatype } from "../domain/datatype.ts";
import { fromTensorBytes, toTensorBytes } from "../domain/tensor-bytes.ts";
import { sha256 } from "../shared/sha256.ts";

/**
 * A cache entry as bytes, for the remote tiers:
 *
 * | bytes | what |
 * | --- | --- |
 * | 4 | "OFC1" |
 * | 8 | the first 8 bytes of the SHA-256 of all that follows |
 * | 4 | length of the head, little-endian |
 * | head | JSON: key, model, client, createdAt, runMs, and name, datatype, shape and size of each output, or the size of the answer; padded with spaces to a multiple of 8 bytes, so that numbers are aligned |
 * | rest | the outputs' data, one after the other, or the answer |
 */
const MAGIC = "OFC1";
const CHECKSUM_START = 4;
const HEAD_LENGTH_START = 12;
const HEAD_START = 16;
const ALIGNMENT = 8;
const SPACE = 0x20;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

interface EntryHead extends CacheAddress {
  readonly createdAt: number;
  readonly runMs: number;
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: Datatype;
    readonly shape: readonly number[];
    readonly sizeBytes: number;
  }[];
  readonly answerBytes?: number | undefined;
}

export async function encodeEntry(entryToEncode: CacheEntry): Promise<Uint8Array> {
  const { outputs, answer, ...head } = entryToEncode;
  const data = outputs.map(toTensorBytes);
  const entryHead: EntryHead = {
    ...head,
    outputs: outputs.map(({ name, datatype, shape }, index) => ({
      name,
      datatype,
      shape,
      sizeBytes: data[index]?.byteLength ?? 0,
    })),
    answerBytes: answer?.byteLength,
  };
  if (answer) data.push(answer);
  const text = ENCODER.encode(JSON.stringify(entryHead));
  const json = new Uint8Array(Math.ceil(text.byteLength / ALIGNMENT) * ALIGNMENT).fill(SPACE);
  json.set(text);
  const dataBytes = data.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const entry = new Uint8Array(HEAD_START + json.byteLength + dataBytes);
  entry.set(ENCODER.encode(MAGIC));
  new DataView(entry.buffer).setUint32(HEAD_LENGTH_START, json.byteLength, true);
  entry.set(json, HEAD_START);
  let offset = HEAD_START + json.byteLength;
  for (const bytes of data) {
    entry.set(bytes, offset);
    offset += bytes.byteLength;
  }
  entry.set(await checksum(entry), CHECKSUM_START);
  return entry;
}

/**
 * @param key of the lookup: an entry of another key is not accepted
 * @returns `undefined` for bytes that are not a whole entry of that key
 */
export async function decodeEntry(bytes: Uint8Array, key: string): Promise<CacheEntry | undefined> {
  try {
    if (DECODER.decode(bytes.subarray(0, CHECKSUM_START)) !== MAGIC) return undefined;
    const expected = bytes.subarray(CHECKSUM_START, HEAD_LENGTH_START);
    if ((await checksum(bytes)).some((byte, index) => byte !== expected[index])) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const dataStart = HEAD_START + view.getUint32(HEAD_LENGTH_START, true);
    const json = DECODER.decode(bytes.subarray(HEAD_START, dataStart));
    const { outputs, answerBytes, ...head }: EntryHead = JSON.parse(json);
    if (head.key !== key) return undefined;
    let offset = dataStart;
    const tensors = outputs.map(({ sizeBytes, shape, ...spec }) => {
      offset += sizeBytes;
      return fromTensorBytes(spec, shape, bytes.subarray(offset - sizeBytes, offset));
    });
    const end = offset + (answerBytes ?? 0);
    if (end !== bytes.byteLength) return undefined;
    const entry = { ...head, client: head.client, outputs: tensors };
    return answerBytes === undefined ? entry : { ...entry, answer: bytes.subarray(offset, end) };
  } catch {
    // Truncated or foreign bytes are a miss.
    return undefined;
  }
}

async function checksum(entry: Uint8Array): Promise<Uint8Array> {
  const digest = await sha256(entry.subarray(HEAD_LENGTH_START));
  return digest.subarray(0, HEAD_LENGTH_START - CHECKSUM_START);
}
