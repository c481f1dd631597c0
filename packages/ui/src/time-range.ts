/** The times that can be chosen. */
export const RANGES = {
  "15m": { label: "15 minutes", seconds: 900, stepSeconds: 60 },
  "1h": { label: "hour", seconds: 3600, stepSeconds: 60 },
  "6h": { label: "6 hours", seconds: 21_600, stepSeconds: 300 },
  "24h": { label: "24 hours", seconds: 86_400, stepSeconds: 900 },
  "7d": { label: "7 days", seconds: 604_800, stepSeconds: 7200 },
  "30d": { label: "30 days", seconds: 2_592_000, stepSeconds: 21_600 },
} as const;
export type RangeName = keyof typeof RANGES;

const DEFAULT_RANGE: RangeName = "1h";

export function rangeOf(query: Readonly<Record<string, string>>): RangeName {
  const { range = "" } = query;
  return Object.hasOwn(RANGES, range) ? (range as RangeName) : DEFAULT_RANGE;
}

/** The parameters of a report of the last time, until now. */
export function rangeQuery(name: RangeName): { readonly from: string; readonly to: string } {
  const now = Date.now();
  return {
    from: new Date(now - RANGES[name].seconds * 1000).toISOString(),
    to: new Date(now).toISOString(),
  };
}

/** How often what is shown of a time is read again. */
export function refreshMs(name: RangeName): number {
  return RANGES[name].seconds <= 21_600 ? 10_000 : 60_000;
}
