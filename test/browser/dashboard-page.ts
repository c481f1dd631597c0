import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

/** The Chromium that `scripts/test-browser.ts` has found. */
export function launchChromium(): Promise<Browser> {
  const { CHROMIUM: executablePath } = process.env;
  if (!executablePath) throw new Error("CHROMIUM is not set: run npm run test:browser");
  // Its sandbox needs rights that containers, and root, do not have; the pages are the project's own.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** Until then an element is there; a limit is only there to end a hang. */
const ACTION_MS = 15_000;

/** A page of the dashboard, and all that the browser has said and asked for. */
export interface DashboardPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** URLs of all requests. */
  readonly requested: string[];
  /** Errors of scripts, and what the content security policy has refused. */
  readonly complaints: string[];
  /** Goes to a place, such as `/models/iris-logistic`. */
  open(place?: string): Promise<void>;
  signIn(key: string): Promise<void>;
  close(): Promise<void>;
}

export async function openDashboardPage(
  browser: Browser,
  origin: string,
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<DashboardPage> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    colorScheme: "light",
    ...options,
  });
  context.setDefaultTimeout(ACTION_MS);
  const page = await context.newPage();
  const requested: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => void requested.push(request.url()));
  page.on("pageerror", (error) => void complaints.push(String(error)));
  page.on("console", (message) => {
    // Statuses of responses are errors of the console too, and the tests look at what the page makes of them.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      complaints.push(message.text());
  });
  return {
    page,
    context,
    requested,
    complaints,
    async open(place = "/") {
      await page.goto(`${origin}/dashboard#${place}`);
    },
    async signIn(key) {
      await page.getByLabel("Key").fill(key);
      await page.keyboard.press("Enter");
    },
    close: () => context.close(),
  };
}

/** The numbers of tiles, by their names. */
export async function readTiles(page: Page): Promise<Record<string, string>> {
  const tiles = await page.locator(".tile").evaluateAll((elements) =>
    elements.map((tile) => {
      const text = (selector: string): string =>
        tile.querySelector(selector)?.textContent?.trim() ?? "";
      return [text("dt"), `${text(".value")} | ${text(".note")}`] as const;
    }),
  );
  return Object.fromEntries(tiles);
}

/** The cells of a table with this caption, by row. */
export async function readTable(page: Page, caption: string): Promise<string[][]> {
  return page
    .getByRole("table", { name: caption })
    .locator("tbody tr")
    .evaluateAll((rows) =>
      rows.map((row) => [...row.children].map((cell) => cell.textContent?.trim() ?? "")),
    );
}
