import { useState } from "preact/hooks";
import { formatMoment } from "../format.ts";
import type { ChartProps } from "./chart.tsx";

/** All numbers of a chart, for those who do not see it. Its rows are made when it is opened. */
export function ChartTable({ title, starts, lines, format }: ChartProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Table<span class="visually-hidden"> of {title}</span>
      </summary>
      {isOpen && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
        <section class="scroll numbers" aria-label={`Table of ${title}`} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                {lines.map(({ label }) => (
                  <th key={label} scope="col" class="number">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {starts.map((start, index) => (
                <tr key={start}>
                  <th scope="row">{formatMoment(start)}</th>
                  {lines.map(({ label, values }) => (
                    <td key={label} class="number">
                      {format(values[index])}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </details>
  );
}
