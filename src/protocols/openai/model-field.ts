const DECODER = new TextDecoder();

/** The model's name in the body of a request, which is not validated otherwise. */
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
  return found?.[1];
}
