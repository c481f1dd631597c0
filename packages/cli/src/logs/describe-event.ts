import type { Output, Style } from "../output.ts";

/** An event in one line. */
export function describeEvent(output: Output, event: Readonly<Record<string, unknown>>): string {
  const { event: kind, time } = event;
  const at = output.style("dim", String(time ?? ""));
  if (kind === "request") return `${at} ${describeRequest(output, event)}`;
  if (kind === "audit") return `${at} ${describeAudit(output, event)}`;
  if (kind === "shadow") return `${at} ${describeShadow(output, event)}`;
  const { event: _, schemaVersion: __, time: ___, ...fields } = event;
  return `${at} ${output.style("bold", String(kind))} ${JSON.stringify(fields)}`;
}

function describeRequest(output: Output, event: Readonly<Record<string, unknown>>): string {
  const { status, operation, route, model, version, totalMs, errorCode, errorMessage } = event;
  const parts = [
    output.style(statusStyle(Number(status)), String(status)),
    String(operation ?? route),
    model === undefined
      ? undefined
      : `${model}${version === undefined ? "" : ` version ${version}`}`,
    `${Number(totalMs).toFixed(1)} ms`,
    cacheOutcome(event.cache),
    event.coldStart === true ? "cold start" : undefined,
    errorCode === undefined
      ? undefined
      : `${errorCode}${errorMessage === undefined ? "" : `: ${errorMessage}`}`,
    output.style("dim", String(event.requestId ?? "")),
  ];
  return parts.filter((part) => part !== undefined && part !== "").join("  ");
}

/** `audit  setAlias  done  Ada (key:1f0c2a9b)  {"model":"digits","alias":"production"}` */
function describeAudit(output: Output, event: Readonly<Record<string, unknown>>): string {
  const { operation, outcome, by, actor, target, errorCode, requestId } = event;
  const isDone = outcome === "done";
  const parts = [
    output.style("bold", "audit"),
    String(operation),
    output.style(isDone ? "green" : "red", isDone ? "done" : `failed: ${errorCode}`),
    actor === undefined ? String(by) : `${actor} (${by})`,
    target === undefined ? undefined : JSON.stringify(target),
    output.style("dim", String(requestId ?? "")),
  ];
  return parts.filter((part) => part !== undefined && part !== "").join("  ");
}

/** `shadow  digits@production  version 1 and 2  same  score_difference 0.01` */
function describeShadow(output: Output, event: Readonly<Record<string, unknown>>): string {
  const { model, alias, version, shadowVersion, outcome, measure, distance, requestId } = event;
  const { errorCode, reason } = event;
  const isSame = outcome === "same";
  const parts = [
    output.style("bold", "shadow"),
    `${model}${alias === undefined ? "" : `@${alias}`}`,
    `versions ${version} and ${shadowVersion}`,
    output.style(isSame ? "green" : "yellow", String(outcome)),
    measure === undefined ? undefined : `${measure} ${Number(Number(distance).toPrecision(4))}`,
    ...[errorCode, reason].map((why) => (typeof why === "string" ? why : undefined)),
    output.style("dim", String(requestId ?? "")),
  ];
  return parts.filter((part) => part !== undefined && part !== "").join("  ");
}

function cacheOutcome(cache: unknown): string | undefined {
  const { outcome, tier } = Object(cache);
  if (outcome !== "hit") return undefined;
  return `cached${tier === undefined ? "" : ` (${tier})`}`;
}

function statusStyle(status: number): Style {
  if (status >= 500) return "red";
  return status >= 400 ? "yellow" : "green";
}
