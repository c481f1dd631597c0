/** How the values of an explanation are drawn, after the plots of the Python package shap. */
export const CHART_KINDS = ["bar", "waterfall", "force"] as const;
export type ChartKind = (typeof CHART_KINDS)[number];

/** Rows of a chart, with the one that has the sum of the others. */
export const DEFAULT_MAX_DISPLAY = 10;
