interface VersionPickerProps {
  readonly label: string;
  readonly versions: readonly { readonly version: string }[];
  readonly version: string;
  readonly onChange: (version: string) => void;
}

export function VersionPicker({ label, versions, version, onChange }: VersionPickerProps) {
  const known = versions.some((each) => each.version === version);
  return (
    <label class="field">
      <span>{label}</span>
      <select
        aria-label={label}
        value={version}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {!known && <option value={version}>v{version}</option>}
        {versions.map((each) => (
          <option key={each.version} value={each.version}>
            v{each.version}
          </option>
        ))}
      </select>
    </label>
  );
}
