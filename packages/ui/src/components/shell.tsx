import type { ComponentChildren } from "preact";
import { linkTo } from "../place.ts";
import { ThemeSwitch } from "./theme-switch.tsx";

export const PAGES = [
  { name: "", title: "Overview" },
  { name: "live", title: "Live" },
  { name: "alerts", title: "Alerts" },
] as const;

interface ShellProps {
  /** The first part of the path; that of models belongs to the overview. */
  readonly page: string;
  readonly onSignOut?: () => void;
  readonly children: ComponentChildren;
}

/** What is around every page: its header, the navigation, and a link past both. */
export function Shell({ page, onSignOut, children }: ShellProps) {
  const current = PAGES.find(({ name }) => name === page)?.name ?? "";
  return (
    <>
      <button type="button" class="skip" onClick={skip}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href={linkTo([])}>
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="7" />
            <path d="M6 22l6-8 5 5 9-12" />
          </svg>
          onnxflare
        </a>
        {onSignOut && (
          <nav class="links pages" aria-label="Pages">
            {PAGES.map(({ name, title }) => (
              <a
                key={name}
                href={linkTo(name ? [name] : [])}
                {...(name === current && { "aria-current": "page" as const })}
              >
                {title}
              </a>
            ))}
          </nav>
        )}
        <div class="tools">
          <ThemeSwitch />
          {onSignOut && (
            <button type="button" class="quiet" onClick={onSignOut}>
              Sign out
            </button>
          )}
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

/** The fragment of the URL is the page, so that no link can lead there. */
function skip(): void {
  document.getElementById("content")?.focus();
}
