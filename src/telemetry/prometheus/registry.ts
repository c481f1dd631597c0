import { ALERT_FAMILIES } from "./alert-families.ts";
import { CACHE_FAMILIES } from "./cache-families.ts";
import type { MetricFamily } from "./family.ts";
import { MODEL_FAMILIES } from "./model-families.ts";
import { PLATFORM_FAMILIES } from "./platform-families.ts";
import { QUALITY_FAMILIES } from "./quality-families.ts";
import { REQUEST_FAMILIES } from "./request-families.ts";
import { SCRAPE_FAMILIES } from "./scrape-families.ts";
import { TRITON_FAMILIES } from "./triton-families.ts";

/** Everything that `GET /metrics` has, in its order. */
export const METRIC_FAMILIES: readonly MetricFamily[] = [
  ...TRITON_FAMILIES,
  ...REQUEST_FAMILIES,
  ...CACHE_FAMILIES,
  ...MODEL_FAMILIES,
  ...PLATFORM_FAMILIES,
  ...QUALITY_FAMILIES,
  ...ALERT_FAMILIES,
  ...SCRAPE_FAMILIES,
];
