/** What wrangler and Miniflare need, and the lock of the state folder. */
const OLDEST_NODE = [22, 13] as const;

export const SERVING_NODE = `Node ${OLDEST_NODE.join(".")} or newer`;

export function isServingNode(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
}
