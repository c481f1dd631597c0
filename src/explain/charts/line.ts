import { MARGIN, numberAxis } from "./axes.ts";
import type { ChartCurve } from "./chart-answer.ts";
import { toDataLabel, toLabel, toNumberLabel } from "./labels.ts";
import { MAX_SERIES, PALETTE, seriesColour } from "./palette.ts";
import type { Picture } from "./picture.ts";

/** Lines of single rows that are drawn: more of them would be one grey area. */
const MAX_ROWS = 50;

/** The mean output by the value of a feature, an output a line; for one output also the lines of single rows. */
export function linePicture(
  { feature_name, grid_values, average, individual }: ChartCurve,
  outputNames: readonly string[],
  axis: string,
): Picture {
  const isNumeric = grid_values.every((value) => typeof value === "number");
  const lines = (isNested(average) ? average : [average]).slice(0, MAX_SERIES);
  const rows = lines.length === 1 ? rowsOf(individual).slice(0, MAX_ROWS) : [];
  const toData = (line: readonly number[]) =>
    isNumeric ? line.map((value, index) => [grid_values[index] as number, value]) : [...line];
  const isGrouped = lines.length > 1;
  const top = isGrouped ? 76 : 52;
  const name = toLabel(feature_name);
  return {
    title: `Partial dependence on ${name}`,
    description: lines
      .map((line, place) => {
        const points = line.map(
          (value, index) => `${toDataLabel(grid_values[index])}: ${toNumberLabel(value)}`,
        );
        return `${toLabel(outputNames[place] ?? "output")} by ${name}: ${points.join(", ")}.`;
      })
      .join(" "),
    height: 340,
    option: {
      grid: { left: 72, right: MARGIN, top, bottom: 56 },
      xAxis: isNumeric
        ? { ...numberAxis(name), scale: true }
        : {
            type: "category",
            name,
            nameLocation: "middle",
            nameGap: 30,
            nameTextStyle: { color: PALETTE.muted },
            data: grid_values.map((value) => toDataLabel(value)),
            axisLine: { lineStyle: { color: PALETTE.muted } },
            axisLabel: { color: PALETTE.muted, hideOverlap: true },
          },
      yAxis: { ...numberAxis(axis), nameGap: 50, scale: true },
      ...(isGrouped && {
        legend: {
          top: 42,
          left: 16,
          itemGap: 24,
          textStyle: { color: PALETTE.ink },
          selectedMode: false,
        },
      }),
      color: lines.map((_, place) => seriesColour(place)),
      series: [
        ...rows.map((line) => ({
          type: "line" as const,
          data: toData(line),
          symbol: "none",
          silent: true,
          clip: false,
          lineStyle: { color: PALETTE.muted, width: 1, opacity: 0.4 },
        })),
        ...lines.map((line, place) => ({
          type: "line" as const,
          name: `${place + 1}: ${toLabel(outputNames[place] ?? "output", 24)}`,
          data: toData(line),
          symbol: line.length > 30 ? "none" : "circle",
          symbolSize: 5,
          silent: true,
          clip: false,
          lineStyle: { color: seriesColour(place), width: 2 },
          itemStyle: { color: seriesColour(place) },
        })),
      ],
    },
  };
}

function isNested<T>(
  list: readonly T[] | readonly (readonly T[])[],
): list is readonly (readonly T[])[] {
  return Array.isArray(list[0]);
}

/** Of one output. */
function rowsOf(individual: ChartCurve["individual"]): readonly (readonly number[])[] {
  const [first] = individual ?? [];
  if (!first) return [];
  return (isNested<number>(first) ? first : individual) as readonly (readonly number[])[];
}
