import { describe, expect, test } from "vitest";
import { ApiError } from "../../../../src/domain/errors.ts";
import type { Explanation } from "../../../../src/domain/explanation/explanation.ts";
import { CHART_KINDS } from "../../../../src/domain/explanation/explanation-parameters.ts";
import { ALL_COLOURS, PICTURE_STYLE } from "../../../../src/explain/charts/palette.ts";
import { renderChart } from "../../../../src/explain/charts/render-chart.ts";
import { sha256 } from "../../../../src/shared/sha256.ts";

const HOSTILE = "<script>alert(1)</script>\"'&]]>\u0000\u202e{value}";

const EXPLANATION: Explanation = {
  method: "linear",
  exact: true,
  space: "margin",
  base_value: 0.25,
  output: 1.5,
  output_names: ["Iris-setosa"],
  feature_names: ["sepal length (cm)", HOSTILE, "petal length (cm)", "n".repeat(200)],
  data: [5.1, HOSTILE, null, true],
  values: [1, -0.5, 0.5, 0.25],
  std_error: null,
  additivity_error: 0,
  runs: 0,
  seed: null,
};

const SVG = { chart: "bar", maxDisplay: 10, format: "svg" } as const;
const HTML = { ...SVG, format: "html" } as const;

/** Texts of a picture, as a reader sees them. */
function textsIn(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = ""]) =>
    text
      .replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">")
      .replaceAll("&quot;", '"')
      .replaceAll("&#39;", "'")
      .replaceAll("&amp;", "&"),
  );
}

describe("a chart as SVG", () => {
  test.each(CHART_KINDS)(
    "of kind %s shows names and values, and a description has them too",
    async (chart) => {
      const { body, contentType } = await renderChart(EXPLANATION, { ...SVG, chart });
      const texts = textsIn(body);
      expect(contentType).toBe("image/svg+xml");
      for (const value of ["+1", "\u22120.5", "+0.5", "+0.25"]) expect(texts).toContain(value);
      expect(texts.some((text) => text.startsWith("sepal length (cm)"))).toBe(true);
      if (chart !== "bar") {
        expect(texts).toContain("base value 0.25");
        expect(texts).toContain("output 1.5");
      }
      expect(body).toMatch(
        /<desc>Iris-setosa from the base value 0\.25 to the output 1\.5: sepal length \(cm\) = 5\.1: \+1, /,
      );
      expect(body).toContain("petal length (cm) = missing: +0.5");
    },
  );

  test.each(CHART_KINDS)(
    "of kind %s has no markup of a client, no scripts, and nothing from elsewhere",
    async (chart) => {
      const { body } = await renderChart(EXPLANATION, { ...SVG, chart, title: HOSTILE });
      expect(body).not.toMatch(/<script|\]\]>|\son\w+=|href|url\(|style="|class="|\{value\}"/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: XML does not allow them.
      expect(body).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
      expect(body.replace("http://www.w3.org/2000/svg", "")).not.toContain("http");
      expect([...body.matchAll(/<([a-z]\w*)/gi)].map(([, name]) => name)).toEqual(
        expect.arrayContaining(["svg", "title", "desc", "style", "text"]),
      );
    },
  );

  test("of thousands of features has the largest and the sum of the others, and a checkpoint before it is drawn", async () => {
    const values = Array.from({ length: 5000 }, (_, at) => (at % 2 === 0 ? 1 : -1) * (at + 1));
    let awaited = 0;
    const { body } = await renderChart(
      {
        ...EXPLANATION,
        feature_names: values.map((_, at) => `f${at}`),
        data: values,
        values,
        base_value: 0,
        output: -2500,
      },
      {
        ...SVG,
        chart: "waterfall",
        maxDisplay: 4,
        checkpoint: async () => void awaited++,
      },
    );
    expect(awaited).toBe(2);
    const texts = textsIn(body);
    for (const text of ["\u22125000", "+4999", "\u22124998", "4997 others", "+2499"])
      expect(texts).toContain(text);
  });

  test("is the same one each time", async () => {
    const options = { ...SVG, chart: "waterfall" } as const;
    expect(await renderChart(EXPLANATION, options)).toEqual(
      await renderChart(EXPLANATION, options),
    );
  });

  test("allows its own style alone", async () => {
    const { body, contentSecurityPolicy } = await renderChart(EXPLANATION, SVG);
    const style = /<style>([^<]*)<\/style>/.exec(body)?.[1] ?? "";
    expect(style).toBe(PICTURE_STYLE);
    const digest = Buffer.from(await sha256(style)).toString("base64");
    expect(contentSecurityPolicy).toContain(`style-src 'sha256-${digest}'`);
    expect(contentSecurityPolicy).toMatch(/^default-src 'none'; /);
    expect(contentSecurityPolicy).not.toContain("unsafe");
  });

  test("sums the features that have no row, with their errors", async () => {
    const { body } = await renderChart(
      { ...EXPLANATION, values: [1, 0.3, 0.25, 0.125], std_error: [0.1, 0.03, 0.04, 0.12] },
      { ...SVG, maxDisplay: 2 },
    );
    expect(textsIn(body)).toContain("3 others");
    // The sum of the three, and the root of the sum of the squares of their errors.
    expect(textsIn(body)).toContain("+0.675 \u00b1 0.13");
  });

  test("has a row for what the values leave, where they do not add up", async () => {
    const left = { ...EXPLANATION, output: 2 };
    const { body } = await renderChart(left, { ...SVG, chart: "waterfall" });
    expect(textsIn(body)).toEqual(
      expect.arrayContaining(["not explained", "output 2", "base value 0.25"]),
    );
    // By default bars, which do not lead from one to the other.
    const bars = textsIn((await renderChart(left, { maxDisplay: 10, format: "svg" })).body);
    expect(bars).not.toContain("base value 0.25");
    const whole = textsIn((await renderChart(EXPLANATION, { maxDisplay: 10, format: "svg" })).body);
    expect(whole).toContain("base value 0.25");
    expect(whole).not.toContain("not explained");
  });

  test("of parts has their names alone", async () => {
    const parts = { ...EXPLANATION, data: EXPLANATION.feature_names, spans: [] };
    expect(textsIn((await renderChart(parts, SVG)).body)).toContain("sepal length (cm)");
  });

  test("cuts long names", async () => {
    const texts = textsIn((await renderChart(EXPLANATION, SVG)).body);
    expect(texts).toContain(`${"n".repeat(29)}\u2026 = true`);
  });

  test("has several outputs beside one another, and one of them where a kind of chart shows one", async () => {
    const several = {
      ...EXPLANATION,
      output_names: ["setosa", "versicolor"],
      base_value: [0.5, 0.5],
      output: [0.2, 0.8],
      values: [
        [-0.1, 0.1],
        [-0.1, 0.1],
        [-0.1, 0.1],
        [0, 0],
      ],
    };
    const bars = textsIn((await renderChart(several, SVG)).body);
    expect(bars).toEqual(
      expect.arrayContaining(["1: setosa", "2: versicolor", "\u22120.1", "+0.1"]),
    );
    const { body } = await renderChart(several, { ...SVG, chart: "waterfall" });
    expect(textsIn(body)).toEqual(
      expect.arrayContaining(["Explanation: versicolor 0.8", "base value 0.5", "output 0.8"]),
    );
  });

  test.each([
    ["a list", [EXPLANATION, EXPLANATION], "The answers to 2 inputs are not a single picture"],
    [
      "a table",
      { method: "nearest", feature_names: [], neighbors: [] },
      "The answer of nearest is not",
    ],
  ])("of %s is refused", async (_, answer, message) => {
    const error = await renderChart(answer, SVG).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining(message),
    });
  });
});

describe("a page", () => {
  test("has a chart and all values of each input", async () => {
    const { body, contentType } = await renderChart([EXPLANATION, EXPLANATION], HTML);
    expect(contentType).toBe("text/html; charset=utf-8");
    expect(body.match(/<svg /g)).toHaveLength(2);
    expect(body.match(/<caption>All features<\/caption>/g)).toHaveLength(2);
    expect(body).toContain(
      '<p class="facts">Method linear, exact, in the space margin, 0 runs of the model.</p>',
    );
  });

  test("has no markup of a client, and only the style that its policy allows", async () => {
    const spans = [{ start: 0, end: 3, text: HOSTILE, value: 1 }];
    const { body, contentSecurityPolicy } = await renderChart([{ ...EXPLANATION, spans }], {
      ...HTML,
      title: HOSTILE,
    });
    expect(body).not.toMatch(/<script|\son\w+=|href|url\(|style="/);
    const [, style = "", ...others] = /<style>([^<]*)<\/style>/.exec(body) ?? [];
    expect(others).toEqual([]);
    const digest = Buffer.from(await sha256(style)).toString("base64");
    expect(contentSecurityPolicy).toContain(`'sha256-${digest}'`);
  });

  test("shades the words of a text by their values, and keeps what is between them", async () => {
    const text = "A \u{1f600} good, bad film";
    const spans = [
      { start: 0, end: 1, text: "A", value: 0 },
      { start: 4, end: 8, text: "good", value: 1 },
      { start: 10, end: 13, text: "bad", value: -0.4 },
      { start: 14, end: 18, text: "film", value: 0.2 },
    ];
    const { body } = await renderChart({ ...EXPLANATION, text, spans }, HTML);
    expect(body).toContain(
      '<p class="text"><mark class="none" title="0">A</mark> \u{1f600} <mark class="positive-5" title="+1">good</mark>, <mark class="negative-2" title="\u22120.4">bad</mark> <mark class="positive-1" title="+0.2">film</mark></p>',
    );
  });

  test("has tables of counterfactuals and of nearest examples", async () => {
    const { body } = await renderChart(
      [
        {
          method: "counterfactual",
          counterfactuals: [
            {
              changes: { "petal<1>": [1, 2.5] },
              output_name: "versicolor",
              output: 0.6,
              distance: 0.3,
            },
          ],
        },
        {
          method: "nearest",
          feature_names: ["a", "kind"],
          neighbors: [{ index: 3, data: [1.5, "x"], distance: 0.2, output: "setosa" }],
        },
      ],
      HTML,
    );
    expect(body).toContain("Counterfactual 1: versicolor, 0.6, distance 0.3");
    expect(body).toContain(
      '<tr><th scope="row">petal&lt;1&gt;</th><td class="number">1</td><td class="number">2.5</td></tr>',
    );
    expect(body).toContain(
      '<tr><th scope="row">3</th><td class="number">0.2</td><td>setosa</td><td class="number">1.5</td><td>x</td></tr>',
    );
  });

  test("of many inputs has fifty charts, has checkpoints before, between and after each of them, and says so", async () => {
    let awaited = 0;
    const checkpoint = async (): Promise<void> => void awaited++;
    const small = { ...EXPLANATION, feature_names: ["a"], data: [1], values: [1] };
    const { body } = await renderChart(
      Array.from({ length: 60 }, () => small),
      { ...HTML, checkpoint },
    );
    expect(body.match(/<svg /g)).toHaveLength(50);
    expect(awaited).toBe(1 + 3 * 50);
    expect(body).toContain("The page shows the first 50 of 60 inputs");
  });
});

describe("the colours", () => {
  test("have contrasts of at least 3 to their background, and those of texts 4.5", () => {
    const [background, ink, muted, grid, ...marks] = ALL_COLOURS as [
      Colour,
      Colour,
      Colour,
      Colour,
    ];
    for (const theme of ["light", "dark"] as const) {
      for (const text of [ink, muted])
        expect(contrast(text[theme], background[theme])).toBeGreaterThanOrEqual(4.5);
      for (const mark of marks as Colour[])
        expect(contrast(mark[theme], background[theme])).toBeGreaterThanOrEqual(3);
    }
    expect(grid.light).not.toBe(background.light);
  });

  test("are told apart by their light values, which pictures have", () => {
    expect(new Set(ALL_COLOURS.map(({ light }) => light)).size).toBe(ALL_COLOURS.length);
  });
});

interface Colour {
  readonly light: string;
  readonly dark: string;
}

/** https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
function contrast(a: string, b: string): number {
  const [darker = 0, lighter = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (lighter + 0.05) / (darker + 0.05);
}

/** https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
