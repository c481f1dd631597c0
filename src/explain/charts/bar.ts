import { MARGIN, nameAxis, nameWidth, numberAxis, toBounds } from "./axes.ts";
import { type Contributions, largestOutputs, selectOutputs, summarize } from "./contributions.ts";
import { describe, toRowLabel } from "./describe.ts";
import { toChangeLabel, toLabel, toNumberLabel } from "./labels.ts";
import { MAX_SERIES, PALETTE, seriesColour } from "./palette.ts";
import type { Picture } from "./picture.ts";

export interface BarOptions {
  readonly title: string;
  readonly axis: string;
  readonly maxDisplay: number;
  /** Values that are sizes are shown without signs. */
  readonly signed: boolean;
}

/** One bar a feature; several outputs have theirs beside one another. */
export function barPicture(all: Contributions, options: BarOptions): Picture {
  const contributions =
    all.outputNames.length > MAX_SERIES ? selectOutputs(all, largestOutputs(all, MAX_SERIES)) : all;
  const { outputNames } = contributions;
  const rows = summarize(contributions.features, options.maxDisplay);
  const isGrouped = outputNames.length > 1;
  const toText = options.signed ? toChangeLabel : toNumberLabel;
  const top = isGrouped ? 76 : 48;
  const names = rows.map((row) => toRowLabel(row, 30));
  const left = nameWidth(names);
  const label = (value: number, error: number | undefined): string =>
    error ? `${toText(value)} \u00b1 ${toNumberLabel(error)}` : toText(value);
  const labelled = rows.flatMap(({ values, errors }) =>
    values.map((value, place) => ({ value, length: label(value, errors?.[place]).length })),
  );
  const longest = (isLeft: boolean): number =>
    Math.max(0, ...labelled.flatMap((each) => (each.value < 0 === isLeft ? each.length : [])));
  const series = outputNames.map((name, place) => ({
    type: "bar" as const,
    name: `${place + 1}: ${toLabel(name, 24)}`,
    clip: false,
    silent: true,
    barMaxWidth: 18,
    data: rows.map(({ values, errors }) => {
      const value = values[place] ?? 0;
      const colour = value < 0 ? PALETTE.negative : PALETTE.positive;
      return {
        value,
        itemStyle: { color: isGrouped ? seriesColour(place) : colour },
        label: {
          show: true,
          position: value < 0 ? ("left" as const) : ("right" as const),
          color: PALETTE.ink,
          formatter: () => label(value, errors?.[place]),
        },
      };
    }),
  }));
  const bounds = toBounds(
    [0, ...labelled.map(({ value }) => value)],
    [longest(true), longest(false)],
    left,
  );
  return {
    title: toLabel(options.title, 72),
    description: describe(contributions, rows),
    height: top + rows.length * (isGrouped ? 10 + 20 * outputNames.length : 30) + 56,
    option: {
      grid: { left, right: MARGIN, top, bottom: 56 },
      xAxis: numberAxis(options.axis, bounds),
      yAxis: nameAxis(names, true),
      ...(isGrouped && {
        legend: {
          top: 42,
          left: 16,
          itemGap: 24,
          textStyle: { color: PALETTE.ink },
          selectedMode: false,
        },
        color: outputNames.map((_, place) => seriesColour(place)),
      }),
      series,
    },
  };
}
