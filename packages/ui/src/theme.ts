import { useEffect, useState } from "preact/hooks";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const STORED = "onnxflare-theme";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

/** A browser may refuse to store anything. */
function readStored(): Theme {
  try {
    const stored = localStorage.getItem(STORED);
    return THEMES.find((theme) => theme === stored) ?? "auto";
  } catch {
    return "auto";
  }
}

function store(theme: Theme): void {
  try {
    localStorage.setItem(STORED, theme);
  } catch {
    // It holds for this page alone then.
  }
}

function apply(theme: Theme): void {
  const { dataset } = document.documentElement;
  if (theme === "auto") delete dataset.theme;
  else dataset.theme = theme;
  dispatchEvent(new Event("themechange"));
}

/** Before the first picture of the page. */
export function applyStoredTheme(): void {
  apply(readStored());
  prefersDark.addEventListener("change", () => dispatchEvent(new Event("themechange")));
}

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(readStored);
  return [
    theme,
    (chosen) => {
      store(chosen);
      apply(chosen);
      setTheme(chosen);
    },
  ];
}

/** A number that changes with the colours, for what draws with them. */
export function useThemeRevision(): number {
  const [revision, setRevision] = useState(0);
  useEffect(() => {
    const update = (): void => setRevision((before) => before + 1);
    addEventListener("themechange", update);
    return () => removeEventListener("themechange", update);
  }, []);
  return revision;
}
