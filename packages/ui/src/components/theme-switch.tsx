import { THEMES, type Theme, useTheme } from "../theme.ts";

const LABELS: Record<Theme, string> = { auto: "System", light: "Light", dark: "Dark" };

export function ThemeSwitch() {
  const [theme, setTheme] = useTheme();
  return (
    <label class="field">
      <span class="visually-hidden">Colours</span>
      <select
        aria-label="Colours"
        value={theme}
        onChange={(event) => setTheme(event.currentTarget.value as Theme)}
      >
        {THEMES.map((each) => (
          <option key={each} value={each}>
            {LABELS[each]}
          </option>
        ))}
      </select>
    </label>
  );
}
