import { UPLOAD_PATH } from "../domain/upload.ts";
import { clip } from "../shared/quote.ts";
import type { Edit } from "./edit.ts";
import { Message } from "./message.ts";
import type { OnnxOutline } from "./onnx-outline.ts";
import { ENTRY, isExternal, TENSOR } from "./onnx-rules.ts";
import { OnnxError } from "./onnx-scanner.ts";
import { encodeFieldHead } from "./wire-format.ts";

/**
 * Weights that are in other files, and how they become part of the model's own.
 * Source: https://github.com/onnx/onnx/blob/main/docs/ExternalData.md
 */

/** Where the data of a tensor is. */
export interface ExternalTensor {
  readonly tensor: Message;
  /** Relative to the model's file, without `.` and `..` segments. */
  readonly path: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Bits of an element, by `TensorProto.DataType`; strings cannot be in other files. */
const ELEMENT_BITS: Readonly<Record<number, number>> = {
  1: 32,
  2: 8,
  3: 8,
  4: 16,
  5: 16,
  6: 32,
  7: 64,
  9: 8,
  10: 16,
  11: 64,
  12: 32,
  13: 64,
  14: 64,
  15: 128,
  16: 16,
  17: 8,
  18: 8,
  19: 8,
  20: 8,
  21: 4,
  22: 4,
  23: 4,
  24: 8,
  25: 2,
  26: 2,
};

/** @throws OnnxError for a tensor whose place is not valid */
export function findExternalTensors({ graph }: OnnxOutline): ExternalTensor[] {
  return [...externalTensors(graph)].map(toExternalTensor);
}

function* externalTensors(message: Message): Generator<Message> {
  for (const { value } of message.fields) {
    if (!(value instanceof Message)) continue;
    if (value.rule.name === "TensorProto" && isExternal(value)) yield value;
    else yield* externalTensors(value);
  }
}

function toExternalTensor(tensor: Message): ExternalTensor {
  const entries = new Map(
    tensor
      .messages(TENSOR.externalData)
      .map((entry) => [entry.text(ENTRY.key), entry.text(ENTRY.value) ?? ""] as const),
  );
  const invalid = (what: string): OnnxError =>
    new OnnxError(`its tensor ${nameOf(tensor)} is in another file, but ${what}`);
  const path = (entries.get("location") ?? "").replace(/^(?:\.\/)+/, "");
  if (!UPLOAD_PATH.test(path))
    throw invalid(
      `the location ${clip(JSON.stringify(path))} is not a relative path of up to 200 characters without ".." and "\\"`,
    );
  const offset = Number(entries.get("offset") ?? "0");
  const sizeBytes = sizeOf(tensor);
  if (sizeBytes === undefined) throw invalid("its datatype or shape cannot be stored so");
  if (!Number.isSafeInteger(offset) || offset < 0)
    throw invalid(`its offset is ${clip(JSON.stringify(entries.get("offset")))}`);
  const length = entries.get("length");
  if (length !== undefined && Number(length) !== sizeBytes)
    throw invalid(`its length is ${clip(length)} bytes, where its shape takes ${sizeBytes}`);
  return { tensor, path, offset, sizeBytes };
}

function sizeOf(tensor: Message): number | undefined {
  const bits = ELEMENT_BITS[Number(tensor.number(TENSOR.dataType) ?? 0n)];
  const elements = tensor.numbers(TENSOR.dims).reduce((product, size) => product * Number(size), 1);
  if (bits === undefined || !Number.isSafeInteger(elements) || elements < 0) return undefined;
  const sizeBytes = Math.ceil((elements * bits) / 8);
  return Number.isSafeInteger(sizeBytes) ? sizeBytes : undefined;
}

/**
 * The edits after which the tensors have their data themselves.
 * @param files sizes in bytes, by path
 * @throws OnnxError for data beyond the end of its file
 */
export function mergeExternalData(
  tensors: readonly ExternalTensor[],
  files: ReadonlyMap<string, number>,
): Edit[] {
  return tensors.flatMap(({ tensor, path, offset, sizeBytes }) => {
    const fileBytes = files.get(path) ?? 0;
    if (offset + sizeBytes > fileBytes)
      throw new OnnxError(
        `its tensor ${nameOf(tensor)} ends at byte ${offset + sizeBytes} of the file ${clip(JSON.stringify(path))}, which has ${fileBytes} bytes`,
      );
    const replaced = tensor.fields.filter(
      ({ field }) =>
        field === TENSOR.rawData || field === TENSOR.externalData || field === TENSOR.dataLocation,
    );
    const data = { path, offset, sizeBytes };
    return [
      ...replaced.map(({ start, end }) => ({ message: tensor, start, end, pieces: [] })),
      {
        message: tensor,
        start: tensor.end,
        end: tensor.end,
        pieces: [encodeFieldHead(TENSOR.rawData, sizeBytes), data],
      },
    ];
  });
}

function nameOf(tensor: Message): string {
  return clip(JSON.stringify(tensor.text(TENSOR.name) ?? ""));
}
