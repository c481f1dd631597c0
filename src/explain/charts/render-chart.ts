import { ApiError } from "../../domain/errors.ts";
import { encodeBase64 } from "../../shared/base64.ts";
import { Html, type HtmlValue, html } from "../../shared/html.ts";
import { sha256 } from "../../shared/sha256.ts";
import type { ChartAnswer } from "./chart-answer.ts";
import { toLabel } from "./labels.ts";
import { PAGE_STYLE, renderPage } from "./page.ts";
import { PICTURE_STYLE } from "./palette.ts";
import type { Picture } from "./picture.ts";
import { type PictureOptions, picturesOf } from "./pictures-of.ts";
import { facts, tablesOf, textsOf } from "./sections.ts";

export interface ChartOptions extends PictureOptions {
  readonly format: "svg" | "html";
  /** Awaited between two pieces of work: `checkpoint()` of the call. */
  readonly checkpoint?: (() => Promise<void>) | undefined;
}

export interface RenderedChart {
  readonly body: string;
  readonly contentType: string;
  /** Allows the chart's own style, by its digest, and nothing else. */
  readonly contentSecurityPolicy: string;
}

/** Of a page; each takes a few milliseconds. */
const MAX_PICTURES = 50;

/**
 * Draws the answer of a method, or a page with a list of them. Texts of clients are escaped; neither form has scripts or
 * references to anything outside of it.
 * @throws ApiError `invalid_request` for an answer that is no one picture, such as a list, and is asked for as SVG
 */
export async function renderChart(
  answer: object | readonly object[],
  options: ChartOptions,
): Promise<RenderedChart> {
  const { draw } = await import("./draw.ts");
  await options.checkpoint?.();
  const title = options.title ?? "Explanation";
  if (options.format === "svg") {
    const picture = onePicture(answer, options);
    await options.checkpoint?.();
    const body = draw(picture, true);
    return {
      body,
      contentType: "image/svg+xml",
      contentSecurityPolicy: await policy(PICTURE_STYLE),
    };
  }
  const page: PageInProgress = { options: { ...options, title }, draw, parts: [], drawn: 0 };
  if (isList(answer)) await addList(page, answer);
  else await addAnswer(page, answer, undefined);
  return {
    body: renderPage(title, page.parts),
    contentType: "text/html; charset=utf-8",
    contentSecurityPolicy: await policy(PAGE_STYLE),
  };
}

interface PageInProgress {
  readonly options: ChartOptions & { readonly title: string };
  readonly draw: (picture: Picture, styled: boolean) => string;
  readonly parts: HtmlValue[];
  drawn: number;
}

async function addList(page: PageInProgress, answers: readonly ChartAnswer[]): Promise<void> {
  for (const [index, answer] of answers.entries()) {
    if (page.drawn >= MAX_PICTURES) {
      page.parts.push(
        html`<p>The page shows the first ${index} of ${answers.length} inputs; the answer in JSON has all.</p>`,
      );
      return;
    }
    await addAnswer(page, answer, `Input ${index}`);
  }
}

async function addAnswer(
  page: PageInProgress,
  answer: ChartAnswer,
  heading: string | undefined,
): Promise<void> {
  const { options, parts, draw } = page;
  if (heading !== undefined) parts.push(html`<h2>${heading}</h2>`);
  await options.checkpoint?.();
  parts.push(facts(answer), ...textsOf(answer));
  for (const picture of picturesOf(answer, { ...options, title: heading ?? options.title })) {
    if (page.drawn >= MAX_PICTURES) break;
    page.drawn++;
    await options.checkpoint?.();
    parts.push(new Html(draw(picture, false)));
  }
  await options.checkpoint?.();
  parts.push(...tablesOf(answer));
  const { method, explanations = [] } = answer;
  for (const [index, part] of explanations.entries())
    if (page.drawn < MAX_PICTURES)
      await addAnswer(
        page,
        { ...(method && { method }), ...part },
        `${index}: ${toLabel(part.label ?? "part")}`,
      );
}

/** The one picture of an answer. */
function onePicture(answer: object | readonly object[], options: PictureOptions): Picture {
  const [only, ...others] = isList(answer) ? answer : ((answer as ChartAnswer).explanations ?? []);
  if (only && others.length === 0) return onePicture(only, options);
  const [picture, another] = isList(answer) ? [] : picturesOf(answer, options, 1);
  if (picture && !another) return picture;
  const { method = "" } = answer as ChartAnswer;
  throw new ApiError(
    "invalid_request",
    `${isList(answer) ? `The answers to ${answer.length} inputs are` : `The answer of ${method} is`} not a single picture that image/svg+xml could be. Accept text/html or application/json, or ask for one input.`,
  );
}

function isList(answer: object | readonly object[]): answer is readonly object[] {
  return Array.isArray(answer);
}

async function policy(style: string): Promise<string> {
  const digest = encodeBase64(await sha256(style));
  return `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}
