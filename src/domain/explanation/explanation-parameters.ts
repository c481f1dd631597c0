import * as z from "zod";
import { MAX_BACKGROUND_ROWS } from "./background.ts";
import { EXPLANATION_SPACES } from "./explanation.ts";

/** Of one request, those of the background not counted. */
export const MAX_EXPLAINED_INPUTS = 256;
export const DEFAULT_BACKGROUND_ROWS = 100;
/** The method that is chosen by the model. */
export const AUTO = "auto";

/** How the values of an explanation are drawn, after the plots of the Python package shap. */
export const CHART_KINDS = ["bar", "waterfall", "force"] as const;
export type ChartKind = (typeof CHART_KINDS)[number];

/** What every method takes, beside its own parameters. */
export const commonParametersSchema = z.strictObject({
  method: z
    .string()
    .min(1)
    .max(64)
    .default(AUTO)
    .describe("One of the methods; `auto` is the one that suits the model best."),
  space: z
    .enum(EXPLANATION_SPACES)
    .optional()
    .describe(
      "What the values add up to: `margin` (the raw score; of two labels their log-odds), `log_odds` (of each label against the others), `probability`, or `output` as the model has it. By default `margin` for linear models and trees that classify, `probability` for other classifiers, else `output`.",
    ),
  output: z
    .union([z.string().min(1).max(1024), z.int().min(0)])
    .optional()
    .describe(
      'A label, the index of an output, or "all"; by default the label that is predicted, or the only output.',
    ),
  max_runs: z
    .int()
    .min(1)
    .optional()
    .describe("Rows that the model may be run for, of all inputs together."),
  seed: z
    .int()
    .min(0)
    .max(4_294_967_295)
    .default(0)
    .describe(
      "Of what is drawn: the same seed draws the same. Methods that draw nothing do not use it.",
    ),
  background: z
    .array(z.unknown())
    .min(1)
    .max(MAX_BACKGROUND_ROWS)
    .optional()
    .describe(
      "Inputs that stand for what is usual, in whose place features are left out; by default those that are kept with the version.",
    ),
  background_rows: z
    .int()
    .min(1)
    .max(MAX_BACKGROUND_ROWS)
    .optional()
    .describe(
      `How many of them are used at most, ${DEFAULT_BACKGROUND_ROWS} by default: drawn by the seed where there are more.`,
    ),
  dry_run: z
    .boolean()
    .default(false)
    .describe("Answers what the explanation would cost, instead of making it."),
  chart: z
    .enum(CHART_KINDS)
    .optional()
    .describe("Of an answer that is drawn (`Accept: image/svg+xml` or `text/html`)."),
  max_display: z
    .int()
    .min(1)
    .max(100)
    .default(10)
    .describe("Features of a chart; the others are drawn as one."),
});

export type CommonParameters = z.output<typeof commonParametersSchema>;

/** What says nothing of the explanation itself, so that answers of several forms have one entry in the cache. */
export const PRESENTATION = [
  "chart",
  "max_display",
] as const satisfies readonly (keyof CommonParameters)[];
