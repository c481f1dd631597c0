import { RANGES, type RangeName } from "../time-range.ts";

interface RangePickerProps {
  readonly range: RangeName;
  readonly onChange: (range: RangeName) => void;
}

export function RangePicker({ range, onChange }: RangePickerProps) {
  return (
    <label class="field">
      <span>Time</span>
      <select
        aria-label="Time"
        value={range}
        onChange={(event) => onChange(event.currentTarget.value as RangeName)}
      >
        {Object.entries(RANGES).map(([name, { label }]) => (
          <option key={name} value={name}>
            Last {label}
          </option>
        ))}
      </select>
    </label>
  );
}
