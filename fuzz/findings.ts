import type { FuzzRequest } from "./http/request.ts";

/** A request that the service did not answer as it should. */
export interface Finding {
  readonly kind: string;
  /** Equal for equal faults. */
  readonly cause: string;
  /** The request, or those in flight when the service ended. */
  readonly requests: readonly FuzzRequest[];
  /** What more is known: the response, a line of the log. */
  readonly detail?: string | undefined;
}

/** Findings of one cause at one route. */
export interface FindingGroup {
  readonly kind: string;
  readonly cause: string;
  readonly route: string;
  count: number;
  /** The first ones. */
  readonly examples: Finding[];
}

const EXAMPLES = 3;

export interface Findings {
  readonly groups: readonly FindingGroup[];
  /** @returns whether it is one of the first of its group */
  add(finding: Finding): boolean;
  count(kind?: string): number;
}

/** Groups findings by cause, and not by what differs from request to request. */
export function createFindings(): Findings {
  const groups = new Map<string, FindingGroup>();
  return {
    get groups() {
      return [...groups.values()].sort((a, b) => b.count - a.count);
    },
    add(finding) {
      const cause = finding.cause.replaceAll(/\d+(\.\d+)?/g, "N");
      const route = toRoute(finding.requests[0]);
      const key = `${cause}\n${route}`;
      const group = groups.get(key) ?? { ...finding, route, count: 0, examples: [] };
      groups.set(key, group);
      group.count++;
      if (group.examples.length >= EXAMPLES) return false;
      group.examples.push(finding);
      return true;
    },
    count: (kind) =>
      [...groups.values()].reduce(
        (sum, group) => sum + (kind === undefined || group.kind === kind ? group.count : 0),
        0,
      ),
  };
}

/** The part of a path that names a route. */
const ROUTE = /^\/(v2\/[a-z]+|v1\/[a-z]+|models|admin\/[a-z]+)\b/;
const ACTION = /[/:](infer|predict|ready|config|stats|load|unload|index|purge)\b/;

function toRoute(request: FuzzRequest | undefined): string {
  if (!request) return "";
  const [prefix = "another path"] = ROUTE.exec(request.target) ?? [];
  const [action = ""] = ACTION.exec(request.target) ?? [];
  return `${request.method} ${prefix}${action && ` ...${action}`}`;
}
