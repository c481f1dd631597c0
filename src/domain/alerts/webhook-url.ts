const MAX_LENGTH = 2048;

/**
 * What is wrong with the URL of a receiver; `undefined` for one that may be used. The platform has no way into a private network, and
 * a name may stand for any address: what is refused here are addresses that are written out, which are mistakes or attempts.
 */
export function webhookUrlProblem(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return `a URL of at most ${MAX_LENGTH} characters is expected`;
  const url = URL.parse(text);
  if (!url) return "a URL such as https://example.com/alerts is expected";
  const { protocol, hostname, username, password, hash } = url;
  if (username !== "" || password !== "")
    return "a URL without user and password is expected: messages are signed, and the secret is shown when the webhook is created";
  if (hash !== "") return "a URL without a fragment is expected: none is ever sent";
  const host = hostname.replace(/\.$/, "");
  if (isLoopback(host)) {
    if (protocol === "https:" || protocol === "http:") return undefined;
    return "https, or http, is expected";
  }
  if (protocol !== "https:")
    return "https is expected; http is for receivers on this machine alone";
  if (isPrivate(host)) return "the address of a receiver that the internet can reach is expected";
  return undefined;
}

/** @param host as the URL standard writes it: numbers of IPv4 in decimal, IPv6 in brackets and shortened */
function isLoopback(host: string): boolean {
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  const address = toIpv4(host);
  return address === undefined ? host === "[::1]" : address[0] === 127;
}

/** Addresses that belong to no host of the internet (RFC 6890). */
function isPrivate(host: string): boolean {
  const address = toIpv4(host);
  if (address) {
    const [a = 0, b = 0] = address;
    return (
      a === 0 ||
      a === 10 ||
      (a === 100 && b >= 64 && b < 128) ||
      (a === 169 && b === 254) ||
      (a === 172 && b >= 16 && b < 32) ||
      (a === 192 && (b === 168 || b === 0)) ||
      (a === 198 && (b === 18 || b === 19)) ||
      a >= 224
    );
  }
  // Global unicast is 2000::/3.
  if (host.startsWith("[")) return !/^\[[23][0-9a-f]{3}:/.test(host);
  return /\.(?:local|internal|lan|home\.arpa)$/.test(host) || !host.includes(".");
}

/** Also of an IPv6 address that stands for one (RFC 4291, section 2.5.5.2). */
function toIpv4(host: string): readonly number[] | undefined {
  if (/^[0-9]+(?:\.[0-9]+){3}$/.test(host)) return host.split(".").map(Number);
  const [, high, low] = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(host) ?? [];
  if (high === undefined || low === undefined) return undefined;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255];
}
