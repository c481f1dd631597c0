import type {
  DriftReport,
  DriftWindow,
  FeatureDrift,
} from "../../../../src/domain/monitoring/drift-report.ts";
import { toTable } from "../format/table.ts";
import type { Output } from "../output.ts";
import { toDigits } from "./profile-view.ts";

type Styled = Output["style"];

/** The newest complete window, a row for each feature. */
export function describeReport(report: DriftReport, style: Styled): string {
  const { model, version, status, windows, features, minRows, minSeconds } = report;
  const heading = style("bold", `${model} version ${version}: ${describeStatus(status)}`);
  if (status === "no_profile") return `${heading}\nmake one: onnxflare profile ${model} DATA`;
  const window = windows.find(({ complete }) => complete);
  const [open] = windows;
  const isOpen = open !== undefined && !open.complete;
  const ofOpen = isOpen
    ? `\nthe next window has ${Math.round(open.rows)} of ${minRows} rows, and takes ${minSeconds} s at least`
    : "";
  if (!window) return `${heading}${ofOpen}`;
  const states = new Map(features.map((each) => [`${each.side} ${each.feature}`, each.status]));
  const rows = window.features.map((feature) => {
    const state = states.get(`${feature.side} ${feature.feature}`) ?? "";
    return [
      feature.side === "output" ? `output ${feature.feature}` : feature.feature,
      style(COLOURS[state] ?? "green", state),
      ...describeFeature(feature),
    ];
  });
  const table = toTable([["FEATURE", "STATUS", "EFFECT", "SHIFT", "P", "PSI", "MISSING"], ...rows]);
  return `${table}\n${describeWindow(window)}${ofOpen}\n${heading}`;
}

const COLOURS: Readonly<Record<string, "red" | "yellow" | "green">> = {
  drift: "red",
  suspected: "yellow",
};

const STATUSES: Readonly<Record<DriftReport["status"], string>> = {
  no_profile: "no reference profile",
  insufficient: "too few requests yet",
  none: "no drift",
  suspected: "drift is suspected, after one window",
  drift: "drift",
};

function describeStatus(status: DriftReport["status"]): string {
  return STATUSES[status];
}

function describeFeature(feature: FeatureDrift): string[] {
  const { effect, shift, adjustedPValue, tests, missing } = feature;
  const psi = tests.find(({ test }) => test === "psi");
  return [
    toDigits(effect),
    shift === undefined ? "-" : toDigits(shift),
    adjustedPValue < 1e-4 ? "< 0.0001" : toDigits(adjustedPValue),
    psi ? `${toDigits(psi.value)} of ${toDigits(psi.threshold)}` : "-",
    String(Math.round(missing)),
  ];
}

/** Times are texts over HTTP. */
function describeWindow({ start, end, rows }: DriftWindow): string {
  const toTime = (at: number | string): string => new Date(at).toISOString();
  return `${Math.round(rows)} rows from ${toTime(start)} to ${toTime(end)}`;
}
