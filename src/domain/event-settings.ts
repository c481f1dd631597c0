import * as z from "zod";
import { quote } from "../shared/quote.ts";
import { MODEL_NAME } from "./model-id.ts";

const NUMBER = /^(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?$/i;

const share = z.coerce.number().min(0).max(1);

/** `iris=0.1, digits=1` by model. */
function parseRates(text: string, context: z.RefinementCtx): ReadonlyMap<string, number> {
  const rates = new Map<string, number>();
  for (const entry of text.split(",")) {
    if (entry.trim() === "") continue;
    const [name = "", rate = ""] = entry.split("=", 2).map((part) => part.trim());
    const number = NUMBER.test(rate) ? Number(rate) : Number.NaN;
    if (MODEL_NAME.test(name) && number <= 1 && !rates.has(name)) rates.set(name, number);
    else
      context.addIssue({
        code: "custom",
        message: rates.has(name)
          ? `the model ${name} is there twice`
          : `must be models with a share from 0 to 1, such as "iris=0.1,digits=1"; got ${quote(entry.trim())}`,
      });
  }
  return rates;
}

/** The settings of what is written of events. */
export const EVENT_FIELDS = {
  /** Whether events are written on the console: "on" or "off". */
  EVENT_LOG: z.enum(["on", "off"]).default("on"),
  /** The share of the events of requests that is written; errors, cold starts and slow requests always are. */
  EVENT_SAMPLE_RATE: share.default(1),
  /** That of single models, separated by commas: `iris=0.1,digits=1`. */
  EVENT_SAMPLE_RATES: z.string().default("").transform(parseRates),
  /** From which duration on the event of a request is always written, in milliseconds. */
  EVENT_SLOW_MS: z.coerce.number().min(0).default(1000),
};

type EventFields = z.output<z.ZodObject<typeof EVENT_FIELDS>>;

export function toEventSettings(settings: EventFields) {
  return Object.freeze({
    log: settings.EVENT_LOG === "on",
    sampling: Object.freeze({
      rate: settings.EVENT_SAMPLE_RATE,
      rateByModel: settings.EVENT_SAMPLE_RATES,
      slowMs: settings.EVENT_SLOW_MS,
    }),
  });
}
