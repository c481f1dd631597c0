import { exitWith, UserError } from "../packages/cli/src/local/user-error.ts";
import { atLeast, parseAudit, type Severity, type Vulnerability } from "./audit-report.ts";
import { runNpm } from "./npm.ts";

/**
 * `npm run audit`: asks the registry for known vulnerabilities of the versions in package-lock.json, and fails when there is
 * one of the stated level or above. Goes on, with a line that says so, when the registry does not answer.
 */
interface Scope {
  readonly what: string;
  readonly args: readonly string[];
  /** The least severity that fails. */
  readonly level: Severity;
}

const SCOPES: readonly Scope[] = [
  { what: "the Worker and the client", args: ["--omit=dev"], level: "moderate" },
  // Its dependencies are bundled, so they are development dependencies to npm.
  { what: "the command line", args: ["--workspace=onnxflare"], level: "moderate" },
  { what: "the tools of development", args: [], level: "critical" },
];

/** One attempt, so that a registry that cannot be reached delays nobody for minutes. */
const ASK = ["audit", "--json", "--fetch-retries=0", "--fetch-timeout=30000"];

await audit().catch(exitWith);

async function audit(): Promise<void> {
  const failures: string[] = [];
  for (const { what, args, level } of SCOPES) {
    const { stdout, stderr } = await runNpm([...ASK, ...args]);
    const outcome = read(stdout, stderr);
    if (outcome.kind === "unanswered") {
      console.log(
        `onnxflare: NOT AUDITED: the registry does not tell of vulnerabilities (${outcome.reason})`,
      );
      break;
    }
    const severe = new Set(atLeast(level, outcome.vulnerabilities));
    for (const each of outcome.vulnerabilities)
      if (!severe.has(each)) console.log(`onnxflare: below the level: ${describe(each)}`);
    if (severe.size === 0)
      console.log(`onnxflare: no known vulnerability of severity ${level} or above in ${what}`);
    for (const each of severe) failures.push(`${what}: ${describe(each)}`);
  }
  if (failures.length > 0)
    throw new UserError(
      `known vulnerabilities:\n${failures.map((line) => `- ${line}`).join("\n")}`,
    );
}

function read(stdout: string, stderr: string): ReturnType<typeof parseAudit> {
  try {
    return parseAudit(stdout);
  } catch (error) {
    throw new UserError(`${(error as Error).message}\n${stderr.trim()}`);
  }
}

function describe({ affected, severity, title, url }: Vulnerability): string {
  return `${severity}, ${affected}: ${title} (${url})`;
}
