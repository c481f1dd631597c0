import type { Histogram, LabelValues, MetricFamily, Summary } from "./family.ts";
import type { MetricsReading } from "./reading.ts";

/** The media type of Prometheus' text format. */
export const TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8";

/** Lines after which others may work: they take some milliseconds. */
const LINES_AT_ONCE = 1000;

/**
 * The families in Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats. Those without samples are left out.
 * @param checkpoint awaited again and again, so that a long text lets others work
 */
export async function writeText(
  families: readonly MetricFamily[],
  reading: MetricsReading,
  checkpoint: () => Promise<void>,
): Promise<string> {
  const lines: string[] = [];
  let next = LINES_AT_ONCE;
  for (const family of families) {
    const { name, help, type } = family;
    const before = lines.length;
    lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`);
    for (const write of samplesOf(family, reading)) {
      write(lines);
      if (lines.length < next) continue;
      next = lines.length + LINES_AT_ONCE;
      await checkpoint();
    }
    if (lines.length === before + 2) lines.length = before;
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** Each sample as a function that writes its lines. */
function* samplesOf(
  family: MetricFamily,
  reading: MetricsReading,
): Generator<(lines: string[]) => void> {
  const { name, labels } = family;
  switch (family.type) {
    case "counter":
    case "gauge":
      for (const [values, value] of family.samples(reading))
        yield (lines) =>
          lines.push(`${name}${inBraces(toPairs(labels, values))} ${toNumber(value)}`);
      return;
    case "summary":
      for (const [values, summary] of family.samples(reading))
        yield (lines) => writeSummary(lines, name, toPairs(labels, values), summary);
      return;
    case "histogram": {
      const bounds = [...family.bounds.map(toNumber), "+Inf"];
      for (const [values, histogram] of family.samples(reading))
        yield (lines) =>
          writeHistogram(lines, name, toPairs(labels, values), { bounds, histogram });
    }
  }
}

function writeSummary(lines: string[], name: string, pairs: string, value: Summary): void {
  const braces = inBraces(pairs);
  lines.push(
    `${name}_sum${braces} ${toNumber(value.sum)}`,
    `${name}_count${braces} ${toNumber(value.count)}`,
  );
}

function writeHistogram(
  lines: string[],
  name: string,
  pairs: string,
  { bounds, histogram }: { readonly bounds: readonly string[]; readonly histogram: Histogram },
): void {
  const before = pairs === "" ? "" : `${pairs},`;
  for (const [index, bound] of bounds.entries()) {
    // The last one is infinity, which has all.
    const count = histogram.cumulative[index] ?? histogram.count;
    lines.push(`${name}_bucket{${before}le="${bound}"} ${toNumber(count)}`);
  }
  writeSummary(lines, name, pairs, histogram);
}

function toPairs(labels: readonly string[], values: LabelValues): string {
  let pairs = "";
  for (const [index, label] of labels.entries())
    pairs += `${index === 0 ? "" : ","}${label}="${escapeLabel(values[index] ?? "")}"`;
  return pairs;
}

function inBraces(pairs: string): string {
  return pairs === "" ? "" : `{${pairs}}`;
}

const ESCAPED = /[\\"\n]/;

function escapeLabel(text: string): string {
  if (!ESCAPED.test(text)) return text.toWellFormed();
  return escapeHelp(text).replaceAll('"', '\\"').toWellFormed();
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function toNumber(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "+Inf" : "-Inf";
}
