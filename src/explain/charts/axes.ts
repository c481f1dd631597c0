import { toNumberLabel } from "./labels.ts";
import { PALETTE } from "./palette.ts";
import { PICTURE_WIDTH } from "./picture.ts";

/** Left and right of a plot, in pixels. */
export const MARGIN = 20;

/** About the width of a character of 12 pixels: generous, for pictures are drawn by fonts that are not known here. */
const CHARACTER = 6.8;

/** The room that names need beside a plot. */
export function nameWidth(names: readonly string[]): number {
  return MARGIN + Math.ceil(Math.max(...names.map((name) => name.length), 0) * CHARACTER);
}

/**
 * Bounds of an axis with room at its ends for labels.
 * @param values all that are drawn
 * @param labels characters of the longest label at the ends of bars that point to the left, and to the right
 * @param left where the plot begins
 */
export function toBounds(
  values: readonly number[],
  labels: readonly [left: number, right: number],
  left: number,
): { min: number; max: number } {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const width = PICTURE_WIDTH - left - MARGIN;
  const [lower, upper] = labels.map((count) => (count && count * CHARACTER + 8) / width) as [
    number,
    number,
  ];
  const range = (high - low || Math.abs(high) || 1) / (1 - lower - upper);
  return { min: low - range * lower, max: high + range * upper };
}

/** An axis of numbers. */
export function numberAxis(name: string, bounds?: { readonly min: number; readonly max: number }) {
  return {
    type: "value" as const,
    name,
    nameLocation: "middle" as const,
    nameGap: 30,
    nameTextStyle: { color: PALETTE.muted },
    axisLine: { show: true, onZero: false, lineStyle: { color: PALETTE.muted } },
    axisLabel: {
      color: PALETTE.muted,
      formatter: toNumberLabel,
      hideOverlap: true,
      // Bounds with room for labels are no round numbers.
      ...(bounds && { showMinLabel: bounds.min === 0, showMaxLabel: bounds.max === 0 }),
    },
    splitLine: { lineStyle: { color: PALETTE.grid } },
    ...bounds,
  };
}

/** An axis of names, the first of which is on top. */
export function nameAxis(names: readonly string[], showsLine: boolean) {
  return {
    type: "category" as const,
    data: [...names],
    inverse: true,
    axisTick: { show: false },
    axisLine: { show: showsLine, lineStyle: { color: PALETTE.muted } },
    axisLabel: { color: PALETTE.ink, interval: 0 },
  };
}
