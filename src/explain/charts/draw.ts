import { BarChart, CustomChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { cleanSvg } from "./clean-svg.ts";
import { PALETTE } from "./palette.ts";
import { PICTURE_WIDTH, type Picture } from "./picture.ts";

use([
  BarChart,
  CustomChart,
  LineChart,
  GridComponent,
  LegendComponent,
  TitleComponent,
  SVGRenderer,
]);

/**
 * Draws a picture as SVG by Apache ECharts, which needs no document for it. This file is imported when the first picture is
 * drawn: nothing else of the Worker imports ECharts.
 */
export function draw(picture: Picture, styled: boolean): string {
  const { option, title, height } = picture;
  const chart = init(null, null, { renderer: "svg", ssr: true, width: PICTURE_WIDTH, height });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: PALETTE.background,
      textStyle: { color: PALETTE.ink, fontFamily: "system-ui, sans-serif" },
      title: {
        text: title,
        left: 16,
        top: 12,
        textStyle: { color: PALETTE.ink, fontSize: 15, fontWeight: "bold" },
      },
      ...option,
    });
    return cleanSvg(chart.renderToSVGString(), picture, styled);
  } finally {
    chart.dispose();
  }
}
