/** Every origin, in a list of them. */
export const ANY_ORIGIN = "*";

const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@*\s\\]+$/;

/**
 * What is wrong with a text as a web origin (RFC 6454, as the header `Origin` has it); `undefined` if nothing is. Schemes
 * of other programs than browsers are valid as well: `capacitor://localhost`.
 */
export function originProblem(text: string): string | undefined {
  if (text === ANY_ORIGIN) return undefined;
  const expected =
    "an origin is a scheme, a host and a port that is not the scheme's own, such as https://example.com, or * for all";
  if (text.includes("*"))
    return `"${text}" is a pattern, but each origin is listed whole: ${expected}`;
  const url = URL.parse(text);
  const normal = url && /^https?:$/.test(url.protocol) ? url.origin : text;
  if (ORIGIN.test(text) && url && normal === text) return undefined;
  const isWeb = url !== null && normal !== "null" && ORIGIN.test(normal);
  const remedy = isWeb && normal !== text ? `; write ${normal}` : "";
  return `"${text}" is not an origin: ${expected}${remedy}`;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Whether a host, without its port, is this machine. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}
