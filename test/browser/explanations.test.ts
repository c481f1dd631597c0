import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CHART_KINDS,
  type ChartKind,
} from "../../src/domain/explanation/explanation-parameters.ts";
import { renderChart } from "../../src/explain/charts/render-chart.ts";
import { launchChromium } from "./dashboard-page.ts";

/** Charts of explanations in Chromium, with the headers that the Worker sends. */

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Of shap.TreeExplainer for a wine, rounded; a name that a client has chosen. */
const EXPLANATION = {
  method: "tree",
  exact: true,
  space: "probability",
  base_value: 0.3351,
  output: 0.94,
  output_names: ["class_0"],
  feature_names: [
    "proline",
    "flavanoids",
    '<img src="http://evil.example/x" onerror=alert(1)>',
    "hue",
  ],
  data: [1065, 3.06, "<script>alert(1)</script>", null],
  values: [0.31, 0.24, 0.0749, -0.02],
  std_error: null,
  additivity_error: 0,
  runs: 0,
  seed: null,
};
const SEVERAL = {
  ...EXPLANATION,
  output_names: ["class_0", "class_1", "class_2"],
  base_value: [0.33, 0.4, 0.27],
  output: [0.94, 0.05, 0.01],
  values: [
    [0.31, -0.2, -0.11],
    [0.24, -0.1, -0.14],
    [0.08, -0.05, -0.03],
    [-0.02, 0, 0.02],
  ],
};
const TEXT = {
  ...EXPLANATION,
  method: "shapley",
  feature_names: ["Win", "a", "prize", "today"],
  data: ["Win", "a", "prize", "today"],
  text: "Win a prize today",
  spans: [
    { start: 0, end: 3, text: "Win", value: 0.31 },
    { start: 4, end: 5, text: "a", value: 0.24 },
    { start: 6, end: 11, text: "prize", value: 0.0749 },
    { start: 12, end: 17, text: "today", value: -0.02 },
  ],
};
const GLOBAL = [
  {
    method: "permutation_importance",
    metric: "accuracy",
    score: 0.95,
    feature_names: ["proline", "hue"],
    importances_mean: [0.2, 0.01],
    importances_std: [0.02, 0.005],
  },
  {
    method: "partial_dependence",
    space: "probability",
    output_names: ["class_0"],
    partial_dependence: [
      {
        feature_name: "proline",
        grid_values: [300, 600, 900, 1200],
        average: [0.1, 0.2, 0.7, 0.9],
        individual: [
          [0, 0.1, 0.8, 1],
          [0.2, 0.3, 0.6, 0.8],
        ],
      },
    ],
  },
  {
    method: "nearest",
    feature_names: ["proline", "hue"],
    neighbors: [{ index: 3, data: [1060, 1.04], distance: 0.2, output: "class_0" }],
  },
];

/** The pictures of the documentation. */
const DOCUMENTED = {
  ...EXPLANATION,
  feature_names: ["proline", "flavanoids", "alcohol", "hue"],
  data: [1065, 3.06, 14.23, 1.04],
};

const PAGES: Readonly<Record<string, object>> = {
  one: EXPLANATION,
  several: SEVERAL,
  text: TEXT,
  global: GLOBAL,
};

let browser: Browser;
let server: Server;
let origin: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://local");
    const [, format, name = ""] = pathname.split("/");
    const answer = name === "documented" ? DOCUMENTED : PAGES[name];
    if (!answer || (format !== "svg" && format !== "html")) {
      response.writeHead(404).end();
      return;
    }
    const chart = (searchParams.get("chart") ?? undefined) as ChartKind | undefined;
    void renderChart(answer, { chart, maxDisplay: 10, format, title: "wine" }).then(
      ({ body, contentType, contentSecurityPolicy }) =>
        response
          .writeHead(200, {
            "content-type": contentType,
            "content-security-policy": contentSecurityPolicy,
            "x-content-type-options": "nosniff",
          })
          .end(body),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  server?.close();
});

interface Opened {
  readonly page: Page;
  readonly requested: string[];
  readonly complaints: string[];
}

async function open(path: string, colorScheme: "light" | "dark"): Promise<Opened> {
  const page = await browser.newPage({ colorScheme, viewport: { width: 760, height: 600 } });
  const requested: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => void requested.push(request.url()));
  page.on("pageerror", (error) => void complaints.push(String(error)));
  page.on("dialog", (dialog) => void complaints.push(dialog.message()));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  await page.goto(`${origin}${path}`);
  return { page, requested: requested.filter((url) => !url.endsWith("/favicon.ico")), complaints };
}

/** In the page: contrasts of all texts and shapes of its pictures. */
const CONTRASTS = `(() => {
  const luminance = (colour) => {
    const [red, green, blue] = colour.match(/[\\d.]+/g).map((part) => {
      const share = Number(part) / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const fill = (element) => getComputedStyle(element).fill;
  return [...document.querySelectorAll("svg")].flatMap((svg) => {
    const behind = luminance(fill(svg.querySelector("rect")));
    return [...svg.querySelectorAll("text, polygon, path")]
      .filter((shape) => fill(shape).startsWith("rgb") && shape.getAttribute("fill-opacity") !== "0")
      .map((shape) => {
        const [low, high] = [luminance(fill(shape)), behind].sort((a, b) => a - b);
        return {
          what: shape.outerHTML,
          ratio: (high + 0.05) / (low + 0.05),
          least: shape.tagName === "text" ? 4.5 : 3,
        };
      });
  });
})()`;

function readContrasts(page: Page): Promise<{ what: string; ratio: number; least: number }[]> {
  return page.evaluate(CONTRASTS);
}

/** In the page: texts that stick out of their picture. */
const OVERFLOWS = `[...document.querySelectorAll("svg")].flatMap((svg) => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text")]
    .filter((text) => {
      const { left, right, top, bottom } = text.getBoundingClientRect();
      return left < frame.left - 1 || right > frame.right + 1 || top < frame.top - 1 || bottom > frame.bottom + 1;
    })
    .map((text) => text.textContent);
})`;

function readOverflows(page: Page): Promise<string[]> {
  return page.evaluate(OVERFLOWS);
}

async function picture(page: Page, chart: ChartKind, colorScheme: string): Promise<void> {
  const { SCREENSHOTS: folder } = process.env;
  if (!folder) return;
  await page.goto(`${origin}/svg/documented?chart=${chart}`);
  const height = Number(await page.locator("svg").getAttribute("height"));
  await page.setViewportSize({ width: 720, height });
  await page.screenshot({ path: join(folder, `explanation-${chart}-${colorScheme}.png`) });
}

describe.each(["light", "dark"] as const)("on a %s page", (colorScheme) => {
  test.each(CHART_KINDS)(
    "a chart of kind %s shows the values, with contrast, and asks for nothing else",
    async (chart) => {
      const { page, requested, complaints } = await open(`/svg/one?chart=${chart}`, colorScheme);
      const texts = await page.locator("text").allTextContents();
      expect(texts).toEqual(expect.arrayContaining(["+0.31", "+0.24", "+0.0749"]));
      expect(await page.locator("svg > title").textContent()).toBe("wine: class_0 0.94");
      const contrasts = await readContrasts(page);
      expect(contrasts.length).toBeGreaterThan(8);
      expect(contrasts.filter(({ ratio, least }) => ratio < least)).toEqual([]);
      expect(await readOverflows(page)).toEqual([]);
      // The background is that of the theme: the policy lets the style through.
      const background = await page.evaluate(
        'getComputedStyle(document.querySelector("rect")).fill',
      );
      expect(background).toBe(colorScheme === "light" ? "rgb(255, 255, 255)" : "rgb(21, 23, 28)");
      expect(requested).toEqual([`${origin}/svg/one?chart=${chart}`]);
      expect(complaints).toEqual([]);
      await picture(page, chart, colorScheme);
      await page.close();
    },
  );

  test.each(Object.keys(PAGES))(
    "the page %s is accessible, and asks for nothing else",
    async (name) => {
      const { page, requested, complaints } = await open(`/html/${name}`, colorScheme);
      expect(requested).toEqual([`${origin}/html/${name}`]);
      expect(complaints).toEqual([]);
      expect(await readOverflows(page)).toEqual([]);
      expect((await readContrasts(page)).filter(({ ratio, least }) => ratio < least)).toEqual([]);
      await page.close();
      // The policy refuses the checker's own script, so it examines the same page without one.
      const context = await browser.newContext({ colorScheme, bypassCSP: true });
      const examined = await context.newPage();
      await examined.goto(`${origin}/html/${name}`);
      await examined.evaluate(AXE);
      const violations = await examined.evaluate(
        "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes[0].html]))",
      );
      expect(violations).toEqual([]);
      await context.close();
    },
  );
});
