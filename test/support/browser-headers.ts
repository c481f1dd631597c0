import { expect } from "vitest";

/**
 * Checks the headers by which browsers are told what a response is not: those of every response, whatever its status. The values are
 * those of the OWASP REST Security Cheat Sheet for an API that serves no pages; pages allow their own style, and the dashboard scripts of the server.
 */
export function expectBrowserHeaders(headers: Headers): void {
  const isPage = headers.get("content-type")?.startsWith("text/html") ?? false;
  expect({
    policy: headers.get("content-security-policy"),
    type: headers.get("x-content-type-options"),
    referrer: headers.get("referrer-policy"),
    embedders: headers.get("cross-origin-resource-policy"),
  }).toEqual({
    policy: isPage
      ? expect.stringMatching(
          /^default-src 'none'; (?:script-src 'self'; style-src 'self'|style-src 'sha256-[^']+'); [^*]*frame-ancestors 'none'$/,
        )
      : "default-src 'none'; frame-ancestors 'none'",
    type: "nosniff",
    referrer: "no-referrer",
    embedders: "same-origin",
  });
  expect(headers.get("access-control-allow-credentials")).toBeNull();
}
