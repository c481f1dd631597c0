import type { CustomSeriesOption } from "echarts/charts";
import { MARGIN, numberAxis, toBounds } from "./axes.ts";
import { type Contribution, type Contributions, summarizeWay } from "./contributions.ts";
import { describe, toRowLabel } from "./describe.ts";
import { toChangeLabel, toLabel, toNumberLabel } from "./labels.ts";
import { PALETTE } from "./palette.ts";
import { PICTURE_WIDTH, type Picture } from "./picture.ts";

const HALF = 14;
const POINT = 8;
/** About the width of a character of a label, and the shortest piece that has one, in pixels. */
const CHARACTER = 6;
const LABELLED = 44;

interface Piece {
  readonly from: number;
  readonly to: number;
  readonly row: Contribution;
}

/** Features that raise the output push from the left, those that lower it from the right; they meet at the output. */
export function forcePicture(
  contributions: Contributions,
  options: { readonly title: string; readonly axis: string; readonly maxDisplay: number },
): Picture {
  const rows = summarizeWay(contributions, options.maxDisplay);
  const base = contributions.base[0] ?? 0;
  const output = contributions.output[0] ?? 0;
  const raising = toPieces(
    rows.filter(({ values }) => (values[0] ?? 0) >= 0),
    output,
  );
  const lowering = toPieces(
    rows.filter(({ values }) => (values[0] ?? 0) < 0),
    output,
  );
  const pieces = [...raising, ...lowering];
  const ends = [base, output, ...pieces.map(({ from }) => from)];
  const bounds = toBounds(ends, [2, 2], MARGIN);
  const drawPiece: RenderItem = (params, api) => {
    const piece = pieces[params.dataIndex] as Piece;
    const [x = 0, y = 0] = api.coord([piece.from, 0.5]);
    const [end = 0] = api.coord([piece.to, 0.5]);
    const value = piece.row.values[0] ?? 0;
    const length = Math.abs(end - x);
    const text = (content: string, top: number) => ({
      type: "text" as const,
      style: {
        text: content,
        x: (x + end) / 2,
        y: top,
        align: "center" as const,
        verticalAlign: "middle" as const,
        fill: PALETTE.ink,
        fontSize: 11,
      },
    });
    const isNarrow = length < LABELLED;
    const shown = Math.trunc(length / CHARACTER);
    return {
      type: "group",
      children: [
        {
          type: "polygon",
          shape: { points: toPush(x, end, y) },
          style: {
            fill: value < 0 ? PALETTE.negative : PALETTE.positive,
            stroke: PALETTE.background,
            lineWidth: 1,
          },
        },
        ...(isNarrow
          ? []
          : [
              text(toLabel(toRowLabel(piece.row, shown), shown), y + HALF + 14),
              text(toChangeLabel(value), y + HALF + 30),
            ]),
      ],
    };
  };
  return {
    title: toLabel(options.title, 72),
    description: describe(contributions, rows),
    height: 260,
    option: {
      grid: { left: MARGIN, right: MARGIN, top: 64, bottom: 56 },
      xAxis: numberAxis(options.axis, bounds),
      yAxis: { type: "value", min: 0, max: 1, show: false },
      series: [
        {
          type: "custom",
          clip: false,
          silent: true,
          data: pieces.map(({ from, to }) => [from, to]),
          renderItem: drawPiece,
        },
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

/** One after another, away from the output; the largest one touches it. */
function toPieces(rows: readonly Contribution[], output: number): Piece[] {
  let at = output;
  return rows.map((row) => {
    const to = at;
    at -= row.values[0] ?? 0;
    return { from: at, to, row };
  });
}

function toPush(x: number, end: number, y: number): [number, number][] {
  const point = Math.sign(end - x) * Math.min(POINT, Math.abs(end - x));
  return [
    [x, y - HALF],
    [end - point, y - HALF],
    [end, y],
    [end - point, y + HALF],
    [x, y + HALF],
    [x + point, y],
  ];
}

type RenderItem = NonNullable<CustomSeriesOption["renderItem"]>;

const drawMark: RenderItem = (_, api) => {
  const value = api.value(0) as number;
  const isOutput = api.value(1) === 1;
  const [x = 0, y = 0] = api.coord([value, 0.5]);
  const top = y - HALF - (isOutput ? 10 : 6);
  const isRight = x > PICTURE_WIDTH / 2;
  return {
    type: "group",
    children: [
      {
        type: "line",
        shape: { x1: x, x2: x, y1: top, y2: y + HALF + 4 },
        style: {
          fill: "none",
          stroke: isOutput ? PALETTE.ink : PALETTE.muted,
          lineWidth: isOutput ? 2 : 1,
        },
      },
      {
        type: "text",
        style: {
          text: `${isOutput ? "output" : "base value"} ${toNumberLabel(value)}`,
          x,
          y: top - (isOutput ? 16 : 2),
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
