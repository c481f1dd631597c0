/** In increasing order. */
const SEVERITIES = ["info", "low", "moderate", "high", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Vulnerability {
  /** Name and versions of the package that has it: `hono <4.9.7`. */
  readonly affected: string;
  readonly severity: Severity;
  readonly title: string;
  readonly url: string;
}

export type AuditOutcome =
  | { readonly kind: "report"; readonly vulnerabilities: readonly Vulnerability[] }
  /** The registry cannot be reached, or does not tell of vulnerabilities. */
  | { readonly kind: "unanswered"; readonly reason: string };

interface Advisory {
  readonly name: string;
  readonly severity: Severity;
  readonly title: string;
  readonly url: string;
  readonly range: string;
}

interface NpmAudit {
  readonly auditReportVersion?: number;
  /** `via` has the advisories of a package, and the names of packages that it depends on and that have some. */
  readonly vulnerabilities?: Readonly<Record<string, { via: readonly (Advisory | string)[] }>>;
  /** Of a registry that gave no report. */
  readonly message?: string;
}

/**
 * Reads what `npm audit --json` (npm 7 and later) wrote.
 * @throws Error for anything but a report, or the failure of a registry
 */
export function parseAudit(stdout: string): AuditOutcome {
  const audit = parseJson(stdout);
  if (audit.auditReportVersion === 2 && audit.vulnerabilities) {
    const found = Object.values(audit.vulnerabilities)
      .flatMap(({ via }) => via)
      .filter((via) => typeof via !== "string")
      .map(({ name, range, severity, title, url }) => ({
        affected: `${name} ${range}`,
        severity,
        title,
        url,
      }));
    return { kind: "report", vulnerabilities: found };
  }
  if (audit.message) return { kind: "unanswered", reason: audit.message };
  throw new Error(`npm audit wrote no report: ${stdout.trim() || "nothing"}`);
}

/** Those that are at least as severe as `level`. A severity that is not known counts as critical. */
export function atLeast(
  level: Severity,
  vulnerabilities: readonly Vulnerability[],
): readonly Vulnerability[] {
  const least = SEVERITIES.indexOf(level);
  return vulnerabilities.filter(({ severity }) => {
    const rank = SEVERITIES.indexOf(severity);
    return rank === -1 || rank >= least;
  });
}

function parseJson(text: string): NpmAudit {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
