import { expect, test } from "vitest";
import { severityOf } from "../../../../src/telemetry/opentelemetry/severity.ts";

type Event = Parameters<typeof severityOf>[0];

function textOf(event: object): string {
  return severityOf(event as Event).severityText;
}

test("alerts that fire and canaries that are worse concern an operator", () => {
  expect(textOf({ event: "alert", state: "firing", severity: "critical" })).toBe("ERROR");
  expect(textOf({ event: "alert", state: "firing", severity: "warning" })).toBe("WARN");
  expect(textOf({ event: "alert", state: "resolved", severity: "critical" })).toBe("INFO");
  expect(textOf({ event: "canary", outcome: "reported" })).toBe("WARN");
});

test("of invocations those concern an operator that the client did not end", () => {
  expect(textOf({ event: "invocation", outcome: "exceededMemory" })).toBe("ERROR");
  expect(textOf({ event: "invocation", outcome: "canceled" })).toBe("INFO");
});
