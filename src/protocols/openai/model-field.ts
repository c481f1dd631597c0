import { parseModelReference } from "../../domain/model-id.ts";

const DECODER = new TextDecoder();

/** The reference to the model in the body of a request, which is not validated otherwise. */
export function modelInRequest(body: Uint8Array): string | undefined {
  try {
    const { model } = JSON.parse(DECODER.decode(body));
    return typeof model === "string" ? model : undefined;
  } catch {
    return undefined;
  }
}

/** Clients send the model first or last. */
const GUESSED_BYTES = 1024;
const MODEL_FIELD = /"model"\s*:\s*"([^"\\]{1,100})"/;

/** The likely name of the model in a body of any size. */
export function guessModel(body: Uint8Array): string | undefined {
  const text = DECODER.decode(body.subarray(0, GUESSED_BYTES));
  const found =
    MODEL_FIELD.exec(text) ?? MODEL_FIELD.exec(DECODER.decode(body.subarray(-GUESSED_BYTES)));
  return found?.[1] && parseModelReference(found[1]).name;
}

/** A field of a form, after the headers of its part. */
const FORM_FIELD = /name="model"[^\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n([^\r\n]{1,100})\r?\n/;

/** The likely name of the model in a form, whose file may be before or after it. */
export function guessFormModel(body: Uint8Array): string | undefined {
  const text = DECODER.decode(body.subarray(0, GUESSED_BYTES));
  const found =
    FORM_FIELD.exec(text) ?? FORM_FIELD.exec(DECODER.decode(body.subarray(-GUESSED_BYTES)));
  return found?.[1] && parseModelReference(found[1]).name;
}
