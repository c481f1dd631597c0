import { isLoopback } from "../web-origin.ts";

/** Reads a header of a request by its name in lower case. */
export type ReadHeader = (name: string) => string | undefined;

/**
 * Whether a page of another origin made a request: by `Sec-Fetch-Site` (W3C Fetch Metadata), which pages cannot set, or by
 * `Origin` of browsers that do not send it. Pages of other subdomains are other origins. Clients that are no browsers send
 * neither; a request of the user, such as a bookmark, is `none`.
 * @param isSecure whether the request came over https: a page over http is another origin then, but on this machine, where a proxy may
 *   have the certificate
 */
export function isFromOtherSite(header: ReadHeader, isSecure: boolean): boolean {
  const site = header("sec-fetch-site");
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  const origin = header("origin");
  return origin !== undefined && !isOrigin(origin, header("host"), isSecure);
}

function isOrigin(origin: string, host: string | undefined, isSecure: boolean): boolean {
  if (host === undefined) return false;
  if (origin === `https://${host}`) return true;
  return origin === `http://${host}` && (!isSecure || isLoopback(host.replace(/:\d+$/, "")));
}
