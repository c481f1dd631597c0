const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
/** Where the random part of a UUID of version 4 begins whose place is the same in version 7. */
const SAME_FROM = 15;

let last = { time: 0, prefix: "" };

/** A UUID of version 7, RFC 9562, section 5.7: its beginning is the time, so what was made of it is found by time. */
export function uuidV7(time = Date.now()): string {
  if (last.time !== time || last.prefix === "") last = { time, prefix: prefixOf(time) };
  return last.prefix + crypto.randomUUID().slice(SAME_FROM);
}

function prefixOf(time: number): string {
  const hex = time.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7`;
}

/** The time in a UUID of version 7, in milliseconds since the epoch; `undefined` for any other text. */
export function timeOfUuidV7(text: string): number | undefined {
  if (!UUID_V7.test(text)) return undefined;
  return Number.parseInt(text.slice(0, 8) + text.slice(9, 13), 16);
}
