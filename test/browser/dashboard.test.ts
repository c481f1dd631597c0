import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, Locator } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import type { RequestEvent } from "../../src/domain/event.ts";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../support/administration.ts";
import { poll } from "../support/poll.ts";
import { disclosing, findModel, publishAs } from "../support/publish.ts";
import {
  type DashboardPage,
  launchChromium,
  openDashboardPage,
  readTable,
  readTiles,
} from "./dashboard-page.ts";
import { drawExamples, type Predicted, sendTraffic } from "./traffic.ts";

/** The dashboard in Chromium, over a local Worker with real requests. What it shows is compared with the events of these. */

/** axe-core, which checks names, roles, contrasts and the structure of pages (WCAG 2.2, A and AA). */
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const MODEL = "iris-logistic";
let service: AdministeredService;
let browser: Browser;
let dashboard: DashboardPage;
let predicted: readonly Predicted[];

beforeAll(async () => {
  const outdir = createTemporaryFolder("browser-build");
  const [, launched] = await Promise.all([buildWorker(outdir), launchChromium()]);
  browser = launched;
  service = await startAdministeredService({
    outdir,
    vars: { CACHE_TIERS: "isolate", MONITORING_FLUSH_MS: "200", CATALOG_TTL_SECONDS: "60" },
  });
  for (const version of ["1", "2"])
    await publishAs(service.bucket, disclosing(findModel(MODEL)), { name: MODEL, version });
  dashboard = await openDashboardPage(browser, service.origin);
});

afterAll(async () => {
  await browser?.close();
  await service?.dispose();
});

/** Requests of the model so far, by the events that the console has. */
function eventsOf(version?: string): RequestEvent[] {
  return service.logs
    .filter(({ message }) => message.startsWith('{"event":"request"'))
    .map(({ message }) => JSON.parse(message) as RequestEvent)
    .filter(
      (event) =>
        event.operationKind === "inference" &&
        event.model === MODEL &&
        event.version !== undefined &&
        (version === undefined || event.version === version),
    );
}

/** What is drawn is in the picture when it was asked for. */
async function picture(name: string): Promise<void> {
  const { SCREENSHOTS: folder } = process.env;
  if (!folder) return;
  await dashboard.page.waitForTimeout(500);
  await dashboard.page.screenshot({ path: join(folder, `dashboard-${name}.png`), fullPage: true });
}

/** Waits until the page shows this many requests. */
async function showsRequests(count: number): Promise<void> {
  const { page } = dashboard;
  await poll(`tile with ${count} requests`, async () => {
    const shown = (await readTiles(page)).Requests ?? "";
    if (shown.startsWith(`${count} |`)) return true;
    await page.getByRole("button", { name: "Refresh" }).click();
    await page.waitForTimeout(150);
    return undefined;
  });
}

describe("a session", () => {
  test("begins with a key, which the page does not keep; the first page has no data then", async () => {
    const { page, context } = dashboard;
    await dashboard.open();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await isFocused(page.getByLabel("Key"))).toBe(true);
    await dashboard.signIn("not-the-key");
    await page.getByText("This key is not valid.").waitFor();
    await picture("sign-in");
    await dashboard.signIn(ADMIN_KEY);
    await page.getByText("No requests in this time. Send one").waitFor();
    expect((await readTiles(page)).Requests).toMatch(/^0 \|/);
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({
      name: "__Host-onnxflare",
      httpOnly: true,
      secure: true,
      sameSite: "Strict",
    });
    const kept = await page.evaluate(
      "JSON.stringify({ ...localStorage, ...sessionStorage }) + document.body.innerHTML",
    );
    expect(kept).not.toContain(ADMIN_KEY);
  });

  test("of a key without the scope metrics is not begun, and the page says what it lacks", async () => {
    const body = JSON.stringify({ name: "reader", scopes: ["predict"] });
    const { body: key } = await service.administer("/keys", { method: "POST", body });
    const other = await openDashboardPage(browser, service.origin);
    await other.open();
    await other.signIn((key as { key: string }).key);
    await other.page.getByText(/This key may not read metrics.*predict/).waitFor();
    await other.close();
  });
});

describe("the numbers", () => {
  beforeAll(async () => {
    // Loads the model: a cold start.
    await sendTraffic(service, MODEL, 1);
    const profile = { method: "PUT", body: JSON.stringify({ inputs: drawExamples(200) }) };
    await service.administer(`/models/${MODEL}/versions/1/profile`, profile);
    predicted = await sendTraffic(service, MODEL);
    await showsRequests(eventsOf().length);
  });

  test("are those of the events", async () => {
    const events = eventsOf();
    const tiles = await readTiles(dashboard.page);
    const clientErrors = events.filter(({ status }) => status >= 400 && status < 500).length;
    const hits = events.filter(({ cache }) => cache?.outcome === "hit").length;
    const misses = events.filter(({ cache }) => cache?.outcome === "miss").length;
    const coldStarts = events.filter(({ coldStart }) => coldStart).length;
    expect(events.length).toBeGreaterThan(100);
    expect([clientErrors, hits, misses, coldStarts].every((count) => count > 0)).toBe(true);
    expect(tiles["Errors (5xx)"]).toBe(`0% | 0, and ${clientErrors} of 4xx`);
    expect(tiles["Cache hits"]).toContain(`| ${hits} of ${hits + misses},`);
    expect(tiles["Cold starts"]).toMatch(new RegExp(`^${coldStarts} \\|`));
    const durations = events.map(({ totalMs }) => totalMs).sort((one, two) => one - two);
    const [, p95 = ""] = /^(\S+ \S+) \|/.exec(tiles["Latency p95"] ?? "") ?? [];
    expectDuration(p95, durations[Math.floor(0.95 * (durations.length - 1))] ?? 0);
    await picture("overview");
  });

  test("of the table are those of the events of each version", async () => {
    const rows = await readTable(dashboard.page, "Requests by model and version");
    for (const version of ["1", "2"]) {
      const events = eventsOf(version);
      const row = rows.find(([name]) => name === `${MODEL} v${version}`);
      expect(row?.[1], `requests of version ${version}`).toBe(String(events.length));
      const hits = events.filter(({ cache }) => cache?.outcome === "hit").length;
      const looked = events.filter(({ cache }) =>
        ["hit", "miss"].includes(cache?.outcome ?? ""),
      ).length;
      const share = Math.round((1000 * hits) / looked) / 10;
      expect(row?.[6], `hits of version ${version}`).toBe(`${share}%`);
    }
    const errors = dashboard.page.locator(".counts").filter({ hasText: "Errors" }).locator("dd");
    const shown = (await errors.allTextContents()).reduce((sum, text) => sum + Number(text), 0);
    expect(shown).toBe(eventsOf().filter(({ status }) => status >= 400).length);
  });

  test("of the chart add up to the requests, in its table, and the arrow keys read them", async () => {
    const { page } = dashboard;
    const chart = page.getByRole("figure", { name: "Requests a minute" });
    await chart.getByText("Table").click();
    await chart.locator("tbody tr").first().waitFor();
    const cells = await chart.locator("tbody tr td:nth-child(2)").allTextContents();
    expect(cells.map(Number).reduce((sum, count) => sum + count, 0)).toBe(eventsOf().length);
    await chart.getByRole("img").focus();
    await page.keyboard.press("ArrowLeft");
    const last = await chart.locator(".legend b").first().textContent();
    expect(last).toBe(cells.at(-1));
    await page.keyboard.press("ArrowLeft");
    expect(await chart.locator(".legend b").first().textContent()).toBe(cells.at(-2));
  });

  test("of two versions are side by side", async () => {
    const { page } = dashboard;
    await page.getByRole("link", { name: `${MODEL} v2` }).click();
    await page.getByRole("table", { name: "Versions 2 and 1" }).waitFor();
    const rows = await readTable(page, "Versions 2 and 1");
    const of = (version: string) => String(eventsOf(version).length);
    expect(rows.find(([name]) => name === "Requests")?.slice(1, 3)).toEqual([of("2"), of("1")]);
    await page.getByLabel("Version", { exact: true }).selectOption("1");
    await page.getByRole("table", { name: "Versions 1 and 2" }).waitFor();
    await picture("versions");
  });

  test("of inputs are histograms beside those of the reference", async () => {
    const { page } = dashboard;
    await page.getByRole("link", { name: "Drift" }).click();
    const labels = page.getByRole("heading", { name: "Labels" }).locator("..");
    await labels.getByText("Table").click();
    const counted = await labels
      .locator("tbody tr")
      .evaluateAll((rows) => rows.map((row) => row.querySelector("th")?.textContent ?? ""));
    expect(counted.toSorted()).toEqual(["setosa", "versicolor", "virginica"]);
    await picture("drift");
  });

  test("of accuracy are those of the feedback", async () => {
    const { page } = dashboard;
    await page.getByRole("link", { name: "Accuracy" }).click();
    await page.getByText("Nothing is known of right and wrong predictions").waitFor();
    // Three of four are right.
    const truths = predicted.slice(0, 40).map(({ requestId, label }, index) => ({
      requestId,
      truth: index % 4 > 0 ? label : label === "setosa" ? "virginica" : "setosa",
    }));
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    // Predictions are found when the isolate has sent them.
    await poll("truths of all predictions", async () => {
      const { body } = await service.post(`/models/${MODEL}/feedback`, truths, headers);
      const { failed } = (body as { counts: { failed: number } }).counts;
      if (failed === 0) return true;
      await page.waitForTimeout(200);
      return undefined;
    });
    await page.getByRole("button", { name: "Refresh" }).click();
    await page.getByText("40 truths").waitFor();
    expect((await readTiles(page)).Accuracy).toMatch(
      /^75% \| \d\d(?:\.\d)?% to \d\d(?:\.\d)?%, by 40 truths$/,
    );
    const labels = await readTable(page, "Precision and recall by label");
    const predictedOf = (label: string) =>
      String(predicted.slice(0, 40).filter((each) => each.label === label).length);
    for (const label of ["setosa", "versicolor", "virginica"])
      expect(labels.find(([name]) => name === label)?.[2]).toBe(predictedOf(label));
  });
});

describe("the live events", () => {
  test("appear as they come, pass the filters, and show all of themselves", async () => {
    const { page } = dashboard;
    await dashboard.open("/live");
    await page.getByText("Live", { exact: true }).nth(1).waitFor();
    const good = { method: "POST", body: '{"inputs":[5.1,3.5,1.4,0.2]}' };
    const send = (id: string, body: string) =>
      service.request(`/models/${MODEL}`, { ...good, body, headers: { "x-request-id": id } });
    await send("seen-by-a-person", good.body);
    const rows = page.locator(".tail li");
    await poll("event on the page", async () => ((await rows.count()) > 0 ? true : undefined));
    await picture("live");
    await page.getByLabel("Status").fill("4xx");
    await page.keyboard.press("Enter");
    await send("not-a-flower", '{"inputs":["no"]}');
    await send("a-flower", good.body);
    await poll("filtered event", async () =>
      (await rows.count()) > 0 &&
      (await rows.allTextContents()).every((text) => text.includes("400"))
        ? true
        : undefined,
    );
    await rows.first().locator("summary").click();
    expect(await rows.first().locator("pre").textContent()).toContain('"status": 400');
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText("Paused").waitFor();
  });
});

describe("the states", () => {
  test("a failure says what has failed, keeps what was shown, and is tried again", async () => {
    const { page } = dashboard;
    await dashboard.open();
    await page.locator(".tile").first().waitFor();
    const failing = "**/admin/monitoring?*";
    await page.route(failing, (route) =>
      route.fulfill({
        status: 503,
        json: { code: "monitoring_unavailable", detail: "Out of reach.", request_id: "r-1" },
      }),
    );
    await page.getByRole("button", { name: "Refresh" }).click();
    await page.getByText("Out of reach.").first().waitFor();
    expect(await page.locator(".tile").count()).toBeGreaterThan(5);
    await picture("failed");
    await page.unroute(failing);
    await page.getByRole("button", { name: "Try again" }).first().click();
    await page.getByText("Out of reach.").first().waitFor({ state: "detached" });
  });

  test("nothing moves when what was loading comes", async () => {
    const { page, open, close } = await openDashboardPage(browser, service.origin, {
      storageState: await dashboard.context.storageState(),
    });
    await page.route("**/admin/**", async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 400));
      await route.continue();
    });
    await page.addInitScript(`
      globalThis.shifts = [];
      new PerformanceObserver((list) => shifts.push(...list.getEntries()))
        .observe({ type: "layout-shift", buffered: true });
    `);
    await open();
    await page.locator(".tile").first().waitFor();
    await page.getByRole("table", { name: "Requests by model and version" }).waitFor();
    const shift = await page.evaluate("shifts.reduce((sum, { value }) => sum + value, 0)");
    // Of web.dev's Core Web Vitals: 0.1 is good.
    expect(shift).toBeLessThan(0.1);
    await close();
  });

  test("a session that has ended asks for a key, and goes on where it was", async () => {
    const { page, context } = dashboard;
    await dashboard.open(`/models/${MODEL}?range=6h`);
    await page.getByRole("heading", { name: MODEL }).waitFor();
    await context.clearCookies();
    await page.getByRole("button", { name: "Refresh" }).dispatchEvent("click");
    await page.getByRole("heading", { name: "The session has ended" }).waitFor();
    await dashboard.signIn(ADMIN_KEY);
    await page.getByRole("heading", { name: MODEL }).waitFor();
    expect(page.url()).toContain("range=6h");
  });
});

describe("the page", () => {
  const places = [
    "/",
    `/models/${MODEL}`,
    `/models/${MODEL}/drift`,
    `/models/${MODEL}/accuracy`,
    "/live",
    "/alerts",
  ];

  test("is used by the keyboard, with a visible focus", async () => {
    const { page } = dashboard;
    await dashboard.open();
    await page.reload();
    await page.locator(".tile").first().waitFor();
    await page.keyboard.press("Tab");
    const skip = page.getByRole("button", { name: "Skip to the content" });
    expect(await isFocused(skip)).toBe(true);
    for (const name of ["onnxflare", "Overview", "Live"]) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(`(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        return { text: document.activeElement.textContent.trim(), outlineStyle, outlineWidth };
      })()`);
      expect(focused).toEqual({ text: name, outlineStyle: "solid", outlineWidth: "2px" });
    }
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Live" }).waitFor();
  });

  test("has room on a phone of 360 px, and passes the checks of axe, light and dark", async () => {
    const { page } = dashboard;
    const found: string[] = [];
    for (const [colorScheme, width, height] of [
      ["light", 1280, 900],
      ["light", 360, 740],
      ["dark", 360, 740],
    ] as const) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height });
      for (const place of places) {
        await dashboard.open(place);
        await page.locator("main h1").waitFor();
        await page.locator("[aria-busy=true]").first().waitFor({ state: "detached" });
        const room = await page.evaluate("document.documentElement.scrollWidth");
        expect(room, `${place} at ${width} px`).toBeLessThanOrEqual(width);
        found.push(...(await checkWithAxe(place)));
      }
    }
    await dashboard.open();
    await page.locator(".tile").first().waitFor();
    await picture("phone");
    await page.setViewportSize({ width: 1280, height: 900 });
    await picture("dark");
    expect(found).toEqual([]);
  });

  test("has the colours of the system, or those that are chosen, also the next time", async () => {
    const { page } = dashboard;
    const background = () =>
      page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
    await page.emulateMedia({ colorScheme: "dark" });
    const dark = await background();
    await page.emulateMedia({ colorScheme: "light" });
    const light = await background();
    expect(dark).not.toBe(light);
    await page.getByLabel("Colours").selectOption("dark");
    expect(await background()).toBe(dark);
    await page.reload();
    expect(await background()).toBe(dark);
    await page.getByLabel("Colours").selectOption("auto");
    expect(await background()).toBe(light);
  });

  test("ends the session where that is asked for", async () => {
    const { page, context } = dashboard;
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await context.cookies()).toEqual([]);
  });

  test("has made no request to another server, and no script or policy has failed", () => {
    const others = dashboard.requested.filter((url) => new URL(url).origin !== service.origin);
    expect(others).toEqual([]);
    expect(dashboard.complaints).toEqual([]);
  });
});

function isFocused(locator: Locator): Promise<boolean> {
  return locator.evaluate((element) => element === element.ownerDocument.activeElement);
}

/** What axe finds wrong, in one line each. */
async function checkWithAxe(place: string): Promise<string[]> {
  const { page } = dashboard;
  await page.evaluate(AXE);
  const { violations } = (await page.evaluate("axe.run()")) as {
    violations: { id: string; nodes: { target: string[]; failureSummary: string }[] }[];
  };
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${place}: ${id} ${target} ${failureSummary}`),
  );
}

/** Compares a duration as it is written, with three digits, with milliseconds: percentiles are within 1.1 %. */
function expectDuration(text: string, milliseconds: number): void {
  const [number = "", unit = ""] = text.split(" ");
  const factor = { µs: 0.001, ms: 1, s: 1000 }[unit] ?? Number.NaN;
  expect(Math.abs(Number(number) * factor - milliseconds)).toBeLessThanOrEqual(
    milliseconds * 0.02 + 0.01,
  );
}
