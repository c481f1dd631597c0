import { DEFAULT_ALIAS, type Route } from "../../../../src/domain/routing.ts";

/** `version 2`, `1=90 2=10, sticky by header; shadow: version 3 (10%)`; the default without a route is the newest version. */
export function describeRoute(alias: string, route: Route | null | undefined): string {
  if (!route) return alias === DEFAULT_ALIAS ? "the newest version" : "no route";
  const { split, sticky, shadow } = route;
  const [only] = split;
  const target =
    split.length === 1 && only
      ? `version ${only.version}`
      : split.map(({ version, weight }) => `${version}=${weight}`).join(" ");
  const by = sticky === undefined ? "" : `, sticky by ${sticky}`;
  const copied =
    shadow === undefined ? "" : `; shadow: version ${shadow.version} (${shadow.sample * 100}%)`;
  return `${target}${by}${copied}`;
}
