import { expect, test } from "vitest";
import { atLeast, parseAudit } from "../../../scripts/audit-report.ts";

/** As npm 11 writes it for a vulnerable protobufjs, on which onnxruntime-web depends. */
const REPORT = {
  auditReportVersion: 2,
  vulnerabilities: {
    "onnxruntime-web": { name: "onnxruntime-web", severity: "high", via: ["protobufjs"] },
    protobufjs: {
      name: "protobufjs",
      severity: "high",
      via: [
        {
          source: 1,
          name: "protobufjs",
          dependency: "protobufjs",
          title: "Prototype pollution",
          url: "https://github.com/advisories/GHSA-h755-8qp9-cq85",
          severity: "high",
          range: ">=7.0.0 <7.2.5",
        },
      ],
    },
  },
};

const FOUND = {
  affected: "protobufjs >=7.0.0 <7.2.5",
  severity: "high",
  title: "Prototype pollution",
  url: "https://github.com/advisories/GHSA-h755-8qp9-cq85",
} as const;

test("a report lists each advisory once, with the package that has the vulnerability", () => {
  const expected = { kind: "report", vulnerabilities: [FOUND] };
  expect(parseAudit(JSON.stringify(REPORT))).toEqual(expected);
});

test("a report without vulnerabilities is a report", () => {
  const text = JSON.stringify({ auditReportVersion: 2, vulnerabilities: {} });
  expect(parseAudit(text)).toEqual({ kind: "report", vulnerabilities: [] });
});

test("the failure of a registry is told from a report", () => {
  const reason = "405 Method Not Allowed - POST https://registry.npmjs.org/-/npm/v1/security";
  const text = JSON.stringify({ message: reason, error: { summary: "", detail: "" } });
  expect(parseAudit(text)).toEqual({ kind: "unanswered", reason });
});

test.each(["", "not JSON", '{"error":{"code":"ENOLOCK"}}', '{"auditReportVersion":3}'])(
  "%j is no report",
  (text) => expect(() => parseAudit(text)).toThrow(/^npm audit wrote no report/),
);

test("vulnerabilities of a level are those of it, above it, and of an unknown severity", () => {
  const of = (severity: string) => ({ ...FOUND, severity: severity as "high" });
  const all = ["info", "low", "moderate", "high", "critical", "catastrophic"].map(of);
  expect(atLeast("moderate", all)).toEqual(all.slice(2));
  expect(atLeast("critical", all)).toEqual(all.slice(4));
});
