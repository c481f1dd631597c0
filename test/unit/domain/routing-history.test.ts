import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_ROUTING, type Route, type Routing, routeOf } from "../../../src/domain/routing.ts";
import { applyChange, type RoutingChange } from "../../../src/domain/routing-change.ts";
import {
  checkRollback,
  lastRollbackTarget,
  type RecentHistory,
  revisionAt,
  rollbackTargetAt,
  routingAt,
} from "../../../src/domain/routing-history.ts";
import { catchApiError } from "../../support/errors.ts";
import { pin, routingAfter } from "../../support/routings.ts";

const whole = ({ history }: Routing): RecentHistory => ({ entries: history, after: 0 });

/** The newest entries of a history. */
function recent({ history }: Routing, count: number): RecentHistory {
  const entries = history.slice(Math.max(0, history.length - count));
  return { entries, after: (entries[0]?.revision ?? history.length + 1) - 1 };
}

type Step =
  | { readonly kind: "change"; readonly change: RoutingChange }
  | { readonly kind: "rollback"; readonly alias: string; readonly to?: number | undefined };

const aliases = fc.constantFrom("production", "canary");
const versions = fc.constantFrom("1", "2", "3");
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("change" as const),
    change: fc.oneof(
      fc.tuple(aliases, versions).map(([alias, version]) => pin(alias, version)),
      fc.record({
        action: fc.constant("shadow" as const),
        alias: aliases,
        shadow: fc.record({ version: versions, sample: fc.constant(1) }),
      }),
    ),
  }),
  fc.record({
    kind: fc.constant("rollback" as const),
    alias: aliases,
    to: fc.option(fc.nat({ max: 30 }), { nil: undefined }),
  }),
);

/** An alias as a list of undoable changes would have it: the routes before each. */
interface Undoable {
  readonly route: Route | undefined;
  readonly before: readonly (Route | undefined)[];
}
const EMPTY: Undoable = { route: undefined, before: [] };

const textOf = (route: Route | undefined): string => JSON.stringify(route?.split);

/** Changes and rollbacks in their order, checked against lists of what can be undone. */
function run(list: readonly Step[], onState: (routing: Routing, states: Undoable[][]) => void) {
  let routing: Routing = NO_ROUTING;
  const names = ["production", "canary"];
  /** By revision and alias. */
  const states: Undoable[][] = [[EMPTY, EMPTY]];
  const apply = (change: RoutingChange): Routing | undefined => {
    try {
      return applyChange(routing, change, { model: "m", by: "key", now: 0 });
    } catch {
      return undefined;
    }
  };
  for (const step of list) {
    const current = states.at(-1) ?? [];
    let next: Undoable[] | undefined;
    if (step.kind === "change") {
      const changed = apply(step.change);
      if (!changed) continue;
      next = current.map((state, index) => {
        const route = routeOf(changed, names[index] ?? "");
        if (route === state.route) return state;
        const isStep = textOf(route) !== textOf(state.route);
        return { route, before: isStep ? [...state.before, state.route] : state.before };
      });
      routing = changed;
    } else {
      const { alias, to } = step;
      if (to !== undefined && to > routing.revision) continue;
      const index = names.indexOf(alias);
      const state = current[index] ?? EMPTY;
      const found =
        to === undefined
          ? lastRollbackTarget(whole(routing), alias)
          : rollbackTargetAt(routing, whole(routing), alias, to);
      expect(found, "a whole history decides").toBeDefined();
      const expected: Undoable | undefined =
        to === undefined
          ? state.before.length > 0
            ? { route: state.before.at(-1), before: state.before.slice(0, -1) }
            : undefined
          : states[to]?.[index];
      if (found === "nothing" || found === undefined) {
        expect(expected).toBeUndefined();
        continue;
      }
      expect(found.to).toEqual(expected?.route);
      routing =
        apply({ action: "rollback", alias, to: found.to, restores: found.restores }) ?? routing;
      next = current.map((each, at) => (at === index && expected ? expected : each));
    }
    states.push(next);
    onState(routing, states);
  }
}

test("rollbacks undo changes one by one, and restore what could be undone at a revision", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 30 }), (list) => {
      run(list, (routing, states) => {
        expect(routing.revision).toBe(states.length - 1);
        expect(routeOf(routing, "production")).toEqual(states.at(-1)?.[0]?.route);
        expect(routeOf(routing, "canary")).toEqual(states.at(-1)?.[1]?.route);
      });
    }),
  );
});

test("the routing of every earlier revision is known from the history", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 30 }), (list) => {
      let last: Routing = NO_ROUTING;
      let known: Undoable[][] = [];
      run(list, (routing, states) => {
        last = routing;
        known = [...states];
      });
      for (const [revision, state] of known.entries()) {
        const then = routingAt(last, whole(last), revision);
        expect(then?.revision).toBe(revision);
        expect(then && routeOf(then, "production")).toEqual(state[0]?.route);
        expect(then?.history).toHaveLength(revision);
      }
    }),
  );
});

test("the newest entries decide as the whole history does, or not at all", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 30 }), fc.nat({ max: 30 }), (list, count) => {
      run(list, (routing) => {
        const some = recent(routing, count);
        const found = lastRollbackTarget(some, "production");
        if (found !== undefined)
          expect(found).toEqual(lastRollbackTarget(whole(routing), "production"));
        const then = routingAt(routing, some, Math.floor(routing.revision / 2));
        if (then)
          expect(then.aliases).toEqual(
            routingAt(routing, whole(routing), Math.floor(routing.revision / 2))?.aliases,
          );
      });
    }),
  );
});

describe("a rollback", () => {
  const routing = routingAfter(
    pin("production", "1"),
    pin("production", "2"),
    { action: "shadow", alias: "production", shadow: { version: "3", sample: 1 } },
    pin("canary", "3"),
  );

  test("restores the route before the last change of versions, not of the shadow", () => {
    expect(lastRollbackTarget(whole(routing), "production")).toEqual({
      restores: 1,
      to: { split: [{ version: "1", weight: 1 }] },
    });
  });

  test("of an alias with one route, or without a change, is refused", () => {
    const one = lastRollbackTarget(whole(routing), "canary") ?? "nothing";
    expect(
      catchApiError("routing_conflict", () => checkRollback("m", "canary", one)).message,
    ).toContain("no route at revision 3");
    const none = lastRollbackTarget(whole(routing), "other") ?? "nothing";
    catchApiError("routing_conflict", () => checkRollback("m", "other", none));
    expect(checkRollback("m", "default", { restores: 0, to: undefined }).to).toBeUndefined();
  });
});

test("the revision at a time is that of the last change until then", () => {
  const routing = routingAfter(pin("a", "1"), pin("a", "2"), pin("a", "3"));
  const times = [-1, 0, 999, 1000, 1999, 2000, 1e9];
  expect(times.map((time) => revisionAt(whole(routing), time))).toEqual([0, 1, 1, 2, 2, 3, 3]);
  expect(revisionAt(recent(routing, 1), 1000)).toBeUndefined();
  expect(revisionAt(recent(routing, 1), 2000)).toBe(3);
});
