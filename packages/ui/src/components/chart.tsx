import { useEffect, useId, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatClock, formatMoment, formatTick } from "../format.ts";
import { useThemeRevision } from "../theme.ts";
import { ChartTable } from "./chart-table.tsx";
import { Empty } from "./states.tsx";

export interface Line {
  readonly label: string;
  /** A custom property of the style sheet. */
  readonly color: string;
  readonly values: readonly (number | null)[];
  readonly isDashed?: boolean;
  readonly isFilled?: boolean;
}

export interface ChartProps {
  readonly title: string;
  /** The beginnings of the windows, in milliseconds since the epoch. */
  readonly starts: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number | null | undefined) => string;
  readonly emptyText?: string;
}

const HEIGHT = 200;

/** Lines over time, with a legend that shows the numbers under the pointer or the arrow keys, and a table of all numbers. */
export function Chart({
  title,
  starts,
  lines,
  format,
  emptyText = "No requests in this time.",
}: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const [index, setIndex] = useState<number>();
  const theme = useThemeRevision();
  const heading = useId();
  const isEmpty = !lines.some(({ values }) => values.some((value) => value !== null));
  const shape = lines.map(({ label, color, isDashed }) => `${label}${color}${isDashed}`).join();

  // Made anew where the colours or the lines are others; new numbers are set below.
  useEffect(() => {
    const { current: element } = place;
    if (!element || isEmpty) return;
    const created = new uPlot(
      optionsOf(element, lines, format, setIndex),
      dataOf(starts, lines),
      element,
    );
    plot.current = created;
    const observer = new ResizeObserver(() =>
      created.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      created.destroy();
      plot.current = undefined;
    };
  }, [theme, shape, isEmpty]);

  useEffect(() => plot.current?.setData(dataOf(starts, lines)), [starts, lines]);

  const move = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const { current } = plot;
    if (step === undefined || !current) return;
    event.preventDefault();
    const next = Math.min(starts.length - 1, Math.max(0, (index ?? starts.length - step) + step));
    current.setCursor({ left: current.valToPos((starts[next] ?? 0) / 1000, "x"), top: HEIGHT / 2 });
    setIndex(next);
  };
  const shown = index ?? starts.length - 1;
  return (
    <figure class="card chart" aria-labelledby={heading}>
      <figcaption>
        <h2 id={heading}>{title}</h2>
        <p class="legend" aria-live={index === undefined ? "off" : "polite"}>
          {index !== undefined && <span class="when">{formatClock(starts[index] ?? 0)}</span>}
          {lines.map(({ label, color, values }) => (
            <span key={label} class="line">
              <i style={{ background: `var(${color})` }} />
              {label}
              {index !== undefined && <b>{format(values[shown])}</b>}
            </span>
          ))}
        </p>
      </figcaption>
      {isEmpty ? (
        <div class="plot" style={{ height: `${HEIGHT}px` }}>
          <Empty>{emptyText}</Empty>
        </div>
      ) : (
        <div
          class="plot"
          ref={place}
          style={{ height: `${HEIGHT}px` }}
          role="img"
          aria-label={describe(title, starts, lines, format)}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move through the numbers.
          tabIndex={0}
          onKeyDown={move}
          onBlur={() => setIndex(undefined)}
        />
      )}
      <ChartTable title={title} starts={starts} lines={lines} format={format} />
    </figure>
  );
}

/** Ticks between whole numbers are written like their neighbours. */
function withoutRepeated(texts: readonly string[]): string[] {
  return texts.map((text, index) => (text === texts[index - 1] ? "" : text));
}

/** Numbers without neighbours, which no line goes through. */
function findIsolated(plot: uPlot, series: number): number[] {
  const values = plot.data[series] ?? [];
  const isGap = (value: number | null | undefined): boolean =>
    value === null || value === undefined;
  return [...values.keys()].filter(
    (at) => !isGap(values[at]) && isGap(values[at - 1]) && isGap(values[at + 1]),
  );
}

function dataOf(starts: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [starts.map((start) => start / 1000), ...lines.map(({ values }) => [...values])];
}

/** What a screen reader says of the picture; all numbers are in the table. */
function describe(
  title: string,
  starts: readonly number[],
  lines: readonly Line[],
  format: ChartProps["format"],
): string {
  const parts = lines.map(({ label, values }) => {
    const numbers = values.filter((value) => value !== null);
    return numbers.length === 0
      ? `${label}: none`
      : `${label}: from ${format(Math.min(...numbers))} to ${format(Math.max(...numbers))}`;
  });
  const [first = 0] = starts;
  return `${title}, ${formatMoment(first)} to ${formatMoment(starts.at(-1) ?? first)}. ${parts.join("; ")}.`;
}

function optionsOf(
  element: HTMLElement,
  lines: readonly Line[],
  format: ChartProps["format"],
  onIndex: (index: number | undefined) => void,
): uPlot.Options {
  const style = getComputedStyle(element);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  const font = "12px system-ui, sans-serif";
  const axis: uPlot.Axis = {
    stroke: color("--muted"),
    font,
    grid: { stroke: color("--grid"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [8, 22, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 7 } },
    scales: { y: { range: (_, min, max) => [Math.min(0, min ?? 0), max > 0 ? max * 1.08 : 1] } },
    axes: [
      {
        ...axis,
        space: 64,
        size: 28,
        values: (_, splits, __, ___, step) => splits.map((at) => formatTick(at * 1000, step)),
      },
      {
        ...axis,
        size: 56,
        space: 36,
        values: (_, splits) => withoutRepeated(splits.map((value) => format(value))),
      },
    ],
    series: [
      {},
      ...lines.map(
        ({ label, color: name, isDashed, isFilled }): uPlot.Series => ({
          label,
          stroke: color(name),
          width: 2,
          points: { size: 6, fill: color(name), filter: findIsolated },
          ...(isDashed && { dash: [5, 4] }),
          ...(isFilled && { fill: `color-mix(in srgb, ${color(name)} 14%, transparent)` }),
        }),
      ),
    ],
    hooks: {
      setCursor: [
        ({ cursor }) => {
          // The keys set it too, with the focus on the picture.
          if (cursor.idx === null || cursor.idx === undefined) {
            if (document.activeElement !== element) onIndex(undefined);
          } else onIndex(cursor.idx);
        },
      ],
    },
  };
}
