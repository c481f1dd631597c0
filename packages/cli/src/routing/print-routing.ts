import { DEFAULT_ALIAS } from "../../../../src/domain/routing.ts";
import { toTable } from "../format/table.ts";
import type { Output } from "../output.ts";
import type { RoutingView } from "../server/admin-types.ts";
import { describeRoute } from "./describe-route.ts";

/** A line for each alias. */
export function printRouting(output: Output, routing: RoutingView): void {
  output.result(routing, routingLines(output, routing));
}

export function routingLines(
  output: Output,
  { model, revision, aliases, deleted }: RoutingView,
): string {
  const routes = { [DEFAULT_ALIAS]: undefined, ...aliases };
  const rows = Object.entries(routes).map(([alias, route]) => [
    output.style("bold", alias === DEFAULT_ALIAS ? model : `${model}@${alias}`),
    describeRoute(alias, route),
  ]);
  const gone = Object.entries(deleted).map(
    ([version, { at, by }]) => `version ${version} was deleted at ${at} by ${by}`,
  );
  return [`revision ${revision}`, toTable(rows), ...gone].join("\n");
}
