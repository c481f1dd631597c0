import type { ComponentChildren } from "preact";

export interface TileProps {
  readonly label: string;
  readonly value: string;
  readonly note?: ComponentChildren;
  readonly tone?: "good" | "bad";
}

/** A number with its name. */
export function Tile({ label, value, note, tone }: TileProps) {
  return (
    <div class={`tile ${tone ?? ""}`}>
      <dt>{label}</dt>
      <dd>
        <span class="value">{value}</span>
        <span class="note">{note ?? "\u00a0"}</span>
      </dd>
    </div>
  );
}

export function Tiles({
  children,
  label,
}: {
  readonly children: ComponentChildren;
  readonly label: string;
}) {
  return (
    <dl class="tiles" aria-label={label}>
      {children}
    </dl>
  );
}
