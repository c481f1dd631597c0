import { withoutNulls } from "../../domain/absent-nulls.ts";
import { ApiError } from "../../domain/errors.ts";
import { commonParametersSchema } from "../../domain/explanation/explanation-parameters.ts";
import type { ExplainedVersion } from "../../explain/explained-version.ts";
import { pickParameters } from "../../tasks/parameters.ts";

const chartParametersSchema = commonParametersSchema.pick({ chart: true, max_display: true });

/** An explanation that is drawn. */
export interface DrawnExplanation {
  readonly version: ExplainedVersion;
  /** Of the request. */
  readonly inputs: unknown;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The explanation, as it is in JSON. */
  readonly value: unknown;
}

export interface Drawing {
  readonly contentType: string;
  readonly body: string | Uint8Array;
  /** Of a page, which has styles of its own. */
  readonly contentSecurityPolicy?: string;
}

/** A form of explanations beside JSON. */
export interface ExplanationFormat {
  readonly mediaType: string;
  /** Whether the explanation may have it. */
  suits(value: unknown): boolean;
  /** @throws ApiError `invalid_request` for an explanation that cannot be drawn so */
  draw(explanation: DrawnExplanation): Promise<Drawing>;
}

/** The map of a picture, laid over it. */
const HEAT_MAP: ExplanationFormat = {
  mediaType: "image/png",
  suits: (value) => {
    const [first]: readonly unknown[] = Array.isArray(value) ? value : [value];
    const { map, explanations } = Object(first) as { map?: unknown; explanations?: unknown };
    return map !== undefined || Array.isArray(explanations);
  },
  async draw({ version, inputs, value }) {
    if (Array.isArray(value))
      throw new ApiError(
        "invalid_request",
        `An image shows one explanation, and the request has ${value.length} inputs: send one, or accept application/json.`,
        { details: { field: "inputs", limit: 1, actual: value.length } },
      );
    const { renderHeatMap } = await import("../../explain/picture/render-heat-map.ts");
    return renderHeatMap(value as object, version, inputs);
  },
};

/** A chart of one explanation, or a page with charts and tables of all. */
function chartFormat(mediaType: string, format: "svg" | "html"): ExplanationFormat {
  return {
    mediaType,
    suits: () => true,
    async draw({ version: { model, call }, parameters, value }) {
      const { renderChart } = await import("../../explain/charts/render-chart.ts");
      const { chart, max_display } = chartParametersSchema.parse(
        pickParameters(
          chartParametersSchema,
          withoutNulls(chartParametersSchema, parameters) as Readonly<Record<string, unknown>>,
        ),
      );
      return renderChart(value as object, {
        chart,
        maxDisplay: max_display,
        format,
        title: `${model.name}, version ${model.version}`,
        checkpoint: () => call.checkpoint(),
      });
    },
  };
}

/** The first that suits is sent to clients that accept several equally. */
export const EXPLANATION_FORMATS: readonly ExplanationFormat[] = [
  HEAT_MAP,
  chartFormat("image/svg+xml", "svg"),
  chartFormat("text/html", "html"),
];
