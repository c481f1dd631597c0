import type { CustomSeriesOption } from "echarts/charts";
import { MARGIN, nameAxis, nameWidth, numberAxis, toBounds } from "./axes.ts";
import { type Contributions, summarizeWay } from "./contributions.ts";
import { describe, toRowLabel } from "./describe.ts";
import { toChangeLabel, toLabel, toNumberLabel } from "./labels.ts";
import { PALETTE } from "./palette.ts";
import type { Picture } from "./picture.ts";

/** Half the height of an arrow, and how long its point is. */
const HALF = 9;
const POINT = 6;

/** From the base value, below, to the output, above: an arrow for what each feature adds, the largest on top. */
export function waterfallPicture(
  contributions: Contributions,
  options: { readonly title: string; readonly axis: string; readonly maxDisplay: number },
): Picture {
  const rows = summarizeWay(contributions, options.maxDisplay);
  const base = contributions.base[0] ?? 0;
  const output = contributions.output[0] ?? 0;
  const steps = toSteps(
    rows.map(({ values }) => values[0] ?? 0),
    base,
  );
  const names = rows.map((row) => toRowLabel(row, 30));
  const left = nameWidth(names);
  const longest = (sign: number): number =>
    Math.max(
      0,
      ...rows.map(({ values: [value = 0] }) =>
        (value < 0 ? -1 : 1) === sign ? toChangeLabel(value).length : 0,
      ),
    );
  const ends = [base, output, ...steps.flatMap(([from = 0, , to = 0]) => [from, to])];
  const bounds = toBounds(ends, [longest(-1), longest(1)], left);
  return {
    title: toLabel(options.title, 72),
    description: describe(contributions, rows),
    height: rows.length * 32 + 132,
    option: {
      grid: { left, right: MARGIN, top: 76, bottom: 56 },
      xAxis: numberAxis(options.axis, bounds),
      yAxis: nameAxis(names, false),
      series: [
        { type: "custom", clip: false, silent: true, data: steps, renderItem: drawStep },
        {
          type: "custom",
          clip: false,
          silent: true,
          data: [
            [base, 0],
            [output, 1],
          ],
          renderItem: drawMark,
        },
      ],
    },
  };
}

/** Where each row begins and ends: the last one begins at the base value. */
function toSteps(values: readonly number[], base: number): number[][] {
  const steps: number[][] = [];
  let at = base;
  for (const [index, value] of [...values.entries()].reverse()) {
    steps.unshift([at, index, at + value]);
    at += value;
  }
  return steps;
}

type RenderItem = NonNullable<CustomSeriesOption["renderItem"]>;

const drawStep: RenderItem = (_, api) => {
  const from = api.value(0) as number;
  const row = api.value(1) as number;
  const to = api.value(2) as number;
  const [x = 0, y = 0] = api.coord([from, row]);
  const [end = 0] = api.coord([to, row]);
  const fill = to < from ? PALETTE.negative : PALETTE.positive;
  const isLeft = to < from;
  return {
    type: "group",
    children: [
      { type: "polygon", shape: { points: toArrow(x, end, y) }, style: { fill } },
      {
        type: "text",
        style: {
          text: toChangeLabel(to - from),
          x: isLeft ? end - 6 : end + 6,
          y,
          align: isLeft ? "right" : "left",
          verticalAlign: "middle",
          fill: PALETTE.ink,
          fontSize: 12,
        },
      },
    ],
  };
};

/** An arrow of any length, with less of a point where it is short. */
export function toArrow(x: number, end: number, y: number): [number, number][] {
  const point = Math.sign(end - x) * Math.min(POINT, Math.abs(end - x));
  return [
    [x, y - HALF],
    [end - point, y - HALF],
    [end, y],
    [end - point, y + HALF],
    [x, y + HALF],
  ];
}

/** A line at the base value (0) or the output (1), with its number above. */
const drawMark: RenderItem = (params, api) => {
  const value = api.value(0) as number;
  const isOutput = api.value(1) === 1;
  const [x = 0] = api.coord([value, 0]);
  const { y, height, x: left, width } = params.coordSys as unknown as Rectangle;
  const isRight = x > left + width / 2;
  return {
    type: "group",
    children: [
      {
        type: "line",
        shape: { x1: x, x2: x, y1: y - (isOutput ? 4 : 0), y2: y + height },
        style: { fill: "none", stroke: PALETTE.muted, lineWidth: 1, lineDash: [4, 4] },
      },
      {
        type: "text",
        style: {
          text: `${isOutput ? "output" : "base value"} ${toNumberLabel(value)}`,
          x,
          y: y - (isOutput ? 18 : 4),
          align: isRight ? "right" : "left",
          verticalAlign: "bottom",
          fill: isOutput ? PALETTE.ink : PALETTE.muted,
          fontSize: 12,
          fontWeight: isOutput ? "bold" : "normal",
        },
      },
    ],
  };
};

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
