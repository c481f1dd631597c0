export interface Bar {
  readonly label: string;
  /** Shares of all, from 0 to 1. */
  readonly observed: number;
  readonly reference?: number;
}

export interface BarsProps {
  readonly title: string;
  readonly bars: readonly Bar[];
  readonly format: (share: number) => string;
}

const WIDTH = 100;
const HEIGHT = 36;
/** Labels of more bars have no room. */
const MAX_LABELLED = 5;

/** A histogram: bars of what was observed, with the reference as outlines over them, and the numbers as a table. */
export function Bars({ title, bars, format }: BarsProps) {
  const highest = Math.max(
    1e-9,
    ...bars.flatMap(({ observed, reference = 0 }) => [observed, reference]),
  );
  const step = WIDTH / Math.max(1, bars.length);
  const heightOf = (share: number): number => (share / highest) * HEIGHT;
  const hasReference = bars.some(({ reference }) => reference !== undefined);
  return (
    <div class="bars">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}: see the table`}
      >
        <title>{title}</title>
        {bars.map(({ label, observed, reference }, index) => (
          <g key={label}>
            <rect
              class="observed"
              x={index * step + step * 0.12}
              y={HEIGHT - heightOf(observed)}
              width={step * 0.76}
              height={heightOf(observed)}
            />
            {reference !== undefined && (
              <path
                class="reference"
                d={`M${index * step + step * 0.04} ${HEIGHT - heightOf(reference)}h${step * 0.92}`}
              />
            )}
          </g>
        ))}
        <path class="base" d={`M0 ${HEIGHT}h${WIDTH}`} />
      </svg>
      {bars.length <= MAX_LABELLED && (
        <div class="bar-labels" aria-hidden="true">
          {bars.map(({ label }) => (
            <span key={label}>{label}</span>
          ))}
        </div>
      )}
      <details>
        <summary>
          Table<span class="visually-hidden"> of {title}</span>
        </summary>
        <table>
          <thead>
            <tr>
              <th scope="col">Bin</th>
              <th scope="col" class="number">
                Observed
              </th>
              {hasReference && (
                <th scope="col" class="number">
                  Reference
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {bars.map(({ label, observed, reference }) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                <td class="number">{format(observed)}</td>
                {hasReference && (
                  <td class="number">{reference === undefined ? "–" : format(reference)}</td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </div>
  );
}
