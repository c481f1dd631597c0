import { ApiError } from "../../domain/errors.ts";
import type { CommonParameters } from "../../domain/explanation/explanation-parameters.ts";
import { DEFAULT_MAX_DISPLAY } from "../../explain/charts/chart-kind.ts";
import type { ExplainedVersion } from "../../explain/explained-version.ts";

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

function chart(format: "svg" | "html", mediaType: string): ExplanationFormat {
  return {
    mediaType,
    suits: () => true,
    async draw({ version, parameters, value }) {
      const { chart: kind = "bar", max_display: maxDisplay = DEFAULT_MAX_DISPLAY } =
        parameters as Readonly<Partial<Pick<CommonParameters, "chart" | "max_display">>>;
      const { renderChart } = await import("../../explain/charts/render-chart.ts");
      const { name, version: number } = version.model;
      return renderChart(value as object, {
        chart: kind,
        maxDisplay,
        format,
        title: `${name}, version ${number}`,
        checkpoint: () => version.call.checkpoint(),
      });
    },
  };
}

/** The first that suits is sent to clients that accept several equally. */
export const EXPLANATION_FORMATS: readonly ExplanationFormat[] = [
  HEAT_MAP,
  chart("svg", "image/svg+xml"),
  chart("html", "text/html"),
];
