import { compareVersions } from "../model-id.ts";
import { onlyVersion, type Route, type Routing, routeOf, type Split } from "../routing.ts";

/** The versions of an alias that is split: the one that it stood for before, and those that may replace it. */
export interface CanarySplit {
  readonly stable: string;
  readonly canaries: readonly {
    readonly version: string;
    /** The revision of the routing since which both are in the split. */
    readonly since: number;
  }[];
}

/**
 * Stable is the version that the alias stood for before it was split; without one in the split, the version with the largest weight of the first
 * split, of several the lowest.
 * @returns `undefined` for an alias that is not split
 */
export function canarySplitOf(
  routing: Pick<Routing, "aliases" | "history" | "revision">,
  alias: string,
): CanarySplit | undefined {
  const route = routeOf(routing, alias);
  if (!route || route.split.length < 2) return undefined;
  const entries = splitEntries(routing.history, alias);
  const first = entries.at(-1);
  const before = first?.from ? onlyVersion(first.from) : undefined;
  const begun = first?.to ? heaviest(first.to.split) : undefined;
  const stable = [before, begun].find(
    (version) => version !== undefined && hasVersion(route, version),
  );
  const chosen = stable ?? heaviest(route.split);
  return {
    stable: chosen,
    canaries: route.split
      .filter(({ version }) => version !== chosen)
      .map(({ version }) => ({
        version,
        since: sinceOf(entries, [chosen, version]) ?? routing.revision,
      })),
  };
}

/** The changes of the alias since it is split, newest first. */
function splitEntries(history: Routing["history"], alias: string): Routing["history"] {
  const ofAlias = history.filter((entry) => entry.alias === alias).reverse();
  const end = ofAlias.findIndex(({ to }) => !to || to.split.length < 2);
  return end === -1 ? ofAlias : ofAlias.slice(0, end);
}

function sinceOf(entries: Routing["history"], versions: readonly string[]): number | undefined {
  const end = entries.findIndex(
    ({ to }) => !(to ? versions.every((each) => hasVersion(to, each)) : false),
  );
  return (end === -1 ? entries : entries.slice(0, end)).at(-1)?.revision;
}

function hasVersion({ split }: Pick<Route, "split">, version: string): boolean {
  return split.some((each) => each.version === version);
}

function heaviest(split: Split): string {
  const [first] = [...split].sort(
    (a, b) => b.weight - a.weight || compareVersions(b.version, a.version),
  );
  return first?.version ?? "";
}
