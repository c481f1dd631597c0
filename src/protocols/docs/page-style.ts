/** The style of the page, inlined in the HTML and allowed there by its digest. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentcolor 18%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 small { font-weight: normal; opacity: 0.7; }
h2 { border-bottom: 1px solid var(--line); margin-top: 3rem; }
h3 { font-size: 1.1rem; margin: 2rem 0 0.25rem; }
nav ul, nav li { list-style: none; padding: 0; margin: 0; }
nav p { margin: 1rem 0 0.25rem; font-weight: 600; }
code, pre { font: 0.875em/1.45 ui-monospace, monospace; }
pre { padding: 0.75rem; border: 1px solid var(--line); border-radius: 0.25rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 0.5rem 0; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0; border-top: 1px solid var(--line); }
th { font-weight: normal; white-space: nowrap; }
summary { cursor: pointer; }
b { display: inline-block; min-width: 3.75rem; font-size: 0.8em; letter-spacing: 0.05em; }
.get { color: #0a7a3f; } .post { color: #1c62c4; } .put { color: #a35c00; } .delete { color: #c2262e; }
@media (max-width: 40rem) {
  th, td { display: block; padding-right: 0; white-space: normal; }
  td { border-top: 0; padding: 0 0 0.5rem 1rem; }
  summary, nav a { display: block; padding: 0.25rem 0; }
}
@media (prefers-color-scheme: dark) {
  .get { color: #4cc38a; } .post { color: #70b0ff; } .put { color: #f1a10d; } .delete { color: #ff8589; }
}
`;
