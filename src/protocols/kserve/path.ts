/**
 * `/v1/models/{model}:predict`: Hono's router matches whole segments, so the verb becomes a segment of its own,
 * `/v1/models/{model}/~predict`. A colon may be percent-encoded; no name and no version has one.
 */
const VERB = /^(\/v1\/models\/[^/]+?(?:\/versions\/[^/]+?)?)(?::|%3a)(\w+)$/i;

export function toRoutedPath(path: string): string {
  return path.replace(VERB, "$1/~$2");
}
