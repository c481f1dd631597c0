import { isLoopback } from "../web-origin.ts";

/** Whether keys may be read from a URL: over https, or over http from this machine, where that is allowed. */
export function isTrustedUrl(text: string, allowsLoopback: boolean): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "") return false;
  return url.protocol === "https:" || (allowsLoopback && isLoopbackUrl(text));
}

/** Whether it is a URL of this machine over http, as issuers for tests have it. */
export function isLoopbackUrl(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === "http:" && isLoopback(url.hostname);
}
