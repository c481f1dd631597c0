const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const GROUPS = 8;
/** Of an IPv6 address, the first 64 bits are what a provider gives one customer: the rest is the customer's choice. */
const NETWORK_GROUPS = 4;

/**
 * Whose an IP address is, as far as the address tells: an IPv4 address itself, and the `/64` of an IPv6 address. A text that is no
 * address is returned as it is.
 */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const text = address.toLowerCase();
  const last = text.slice(text.lastIndexOf(":") + 1);
  // An IPv4 address in the form of IPv6, such as ::ffff:192.0.2.1.
  if (IPV4.test(last)) return last;
  const [head = "", tail] = text.split("::");
  const first = head === "" ? [] : head.split(":");
  const others = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = tail === undefined ? 0 : Math.max(0, GROUPS - first.length - others.length);
  const groups = [...first, ...Array<string>(missing).fill("0"), ...others];
  const network = groups.slice(0, NETWORK_GROUPS).map((group) => group.replace(/^0+(?=.)/, ""));
  return `${network.join(":")}::/64`;
}

/** The first part of a network, which names no single customer: the first three numbers of IPv4, the first 48 bits of IPv6. */
export function coarseNetworkOf(network: string): string {
  if (network.includes(":")) return `${network.split(":").slice(0, 3).join(":")}::/48`;
  return network.replace(/\.\d+$/, ".0/24");
}
