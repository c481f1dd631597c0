import { ApiError } from "../domain/errors.ts";
import { decodeBase64, encodeBase64Url } from "../shared/base64.ts";
import { latestFulfilled } from "../shared/latest.ts";
import { deriveMacKey } from "./privacy-keys.ts";

/**
 * States that go to the client and come back with its next request. Each has a MAC: the receipt of an erasure that is continued says
 * what was done before, so nobody may make that up.
 */
export interface Cursors {
  seal(state: object): Promise<string>;
  /**
   * @returns what {@link seal} was given
   * @throws ApiError `invalid_request`
   */
  open(cursor: string): Promise<unknown>;
}

/** No point, with which a cursor would have the form of a token, and be refused as a secret. */
const SEPARATOR = "~";
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** @param purpose cursors of another purpose are not accepted */
export function createCursors(secret: Uint8Array<ArrayBuffer>, purpose: string): Cursors {
  const key = latestFulfilled(() => deriveMacKey(secret, "cursors"));
  const signed = (payload: string): Uint8Array<ArrayBuffer> =>
    new Uint8Array(ENCODER.encode(`${purpose}.${payload}`));

  return {
    async seal(state) {
      const payload = encodeBase64Url(ENCODER.encode(JSON.stringify(state)));
      const mac = await crypto.subtle.sign("HMAC", await key(), signed(payload));
      return `${payload}${SEPARATOR}${encodeBase64Url(new Uint8Array(mac))}`;
    },

    async open(cursor) {
      const [payload = "", mac = "", ...rest] = cursor.split(SEPARATOR);
      const bytes = decodeBase64(mac);
      const isValid =
        rest.length === 0 &&
        bytes !== undefined &&
        (await crypto.subtle.verify("HMAC", await key(), bytes, signed(payload)));
      const json = isValid ? decodeBase64(payload) : undefined;
      if (json) return JSON.parse(DECODER.decode(json));
      throw new ApiError(
        "invalid_request",
        'The "cursor" is not one of a response before: send it as it was returned, or none to begin.',
        { details: { field: "cursor" } },
      );
    },
  };
}
