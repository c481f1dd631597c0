import { expect, test } from "vitest";
import { webhookUrlProblem } from "../../../../src/domain/alerts/webhook-url.ts";

test.each([
  "https://example.com/alerts?token=a",
  "https://hooks.example.co.uk:8443/x",
  "https://8.8.8.8/",
  "https://[2606:4700::1111]/",
  "http://localhost:8080/",
  "http://127.0.0.1/x",
  "http://[::1]:9000/",
  "http://a.localhost/",
])("%s may be used", (url) => {
  expect(webhookUrlProblem(url)).toBeUndefined();
});

test.each([
  ["alerts", "a URL such as"],
  ["http://example.com/", "https is expected"],
  ["ftp://localhost/", "https, or http"],
  ["https://user:secret@example.com/", "without user"],
  ["https://example.com/#x", "fragment"],
  [`https://example.com/${"a".repeat(2048)}`, "2048"],
  ["https://10.0.0.1/", "internet"],
  ["https://0x0a000001/", "internet"],
  ["https://167772161/", "internet"],
  ["https://172.16.5.4/", "internet"],
  ["https://192.168.1.1./", "internet"],
  ["https://169.254.169.254/latest/meta-data", "internet"],
  ["https://100.64.0.1/", "internet"],
  ["https://0.0.0.0/", "internet"],
  ["https://224.0.0.1/", "internet"],
  ["https://[fd00::1]/", "internet"],
  ["https://[fe80::1]/", "internet"],
  ["https://[::ffff:10.0.0.1]/", "internet"],
  ["https://[::]/", "internet"],
  ["https://intranet/", "internet"],
  ["https://db.internal/", "internet"],
  ["https://printer.local./", "internet"],
])("%s is refused: %s", (url, problem) => {
  expect(webhookUrlProblem(url)).toContain(problem);
});
