import type { BarSeriesOption, CustomSeriesOption, LineSeriesOption } from "echarts/charts";
import type {
  GridComponentOption,
  LegendComponentOption,
  TitleComponentOption,
} from "echarts/components";
import type { ComposeOption } from "echarts/core";

export type PictureOption = ComposeOption<
  | BarSeriesOption
  | CustomSeriesOption
  | LineSeriesOption
  | GridComponentOption
  | LegendComponentOption
  | TitleComponentOption
>;

/** What ECharts is to draw, and what it says to those who do not see it. */
export interface Picture {
  readonly title: string;
  readonly description: string;
  readonly height: number;
  readonly option: PictureOption;
}

/** In pixels; pages and viewers scale it. */
export const PICTURE_WIDTH = 720;
