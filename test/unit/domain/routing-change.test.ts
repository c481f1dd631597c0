import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  MAX_ALIASES,
  NO_ROUTING,
  parseRouting,
  type Routing,
  routeOf,
  tombstoneOf,
  versionsOf,
} from "../../../src/domain/routing.ts";
import {
  applyChange,
  type RoutingChange,
  replay,
  undo,
} from "../../../src/domain/routing-change.ts";
import { catchApiError } from "../../support/errors.ts";
import { pin, routingAfter, splitOf } from "../../support/routings.ts";

const BY = { model: "m", by: "key:00000000" };

const aliases = fc.constantFrom("default", "production", "canary", "constructor");
const versions = fc.constantFrom("1", "2", "3", "4");
const splits = fc
  .uniqueArray(fc.record({ version: versions, weight: fc.integer({ min: 1, max: 9 }) }), {
    minLength: 1,
    maxLength: 3,
    selector: ({ version }) => version,
  })
  .map((split) => split);
const changes: fc.Arbitrary<RoutingChange> = fc.oneof(
  fc.record({
    action: fc.constant("alias" as const),
    alias: aliases,
    split: splits,
    sticky: fc.constantFrom(undefined, "key" as const, "input" as const),
  }),
  fc.record({ action: fc.constant("unalias" as const), alias: aliases }),
  fc.record({
    action: fc.constant("shadow" as const),
    alias: aliases,
    shadow: fc.record({ version: versions, sample: fc.constantFrom(0.5, 1) }),
  }),
  fc.record({ action: fc.constant("unshadow" as const), alias: aliases }),
  fc.record({
    action: fc.constant("delete" as const),
    version: versions,
    filesDigest: fc.constant("d"),
    force: fc.boolean(),
  }),
  fc.record({ action: fc.constant("publish" as const), version: versions }),
);

/** All changes that are not refused, at times that go back and forth. */
function applyAll(list: readonly RoutingChange[], times: readonly number[]): Routing {
  return list.reduce<Routing>((routing, change, index) => {
    try {
      return applyChange(routing, change, { ...BY, now: times[index % times.length] ?? 0 });
    } catch {
      return routing;
    }
  }, NO_ROUTING);
}

const histories = fc
  .tuple(
    fc.array(changes, { maxLength: 40 }),
    fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1 }),
  )
  .map(([list, times]) => applyAll(list, times));

/** Aliases and tombstones, whatever the order of their names. */
function stateOf({ aliases, deleted }: Routing) {
  return [Object.entries(aliases).sort(), Object.entries(deleted).sort()];
}

describe("any changes", () => {
  test("lead to a document that the schema accepts, and that survives JSON", () => {
    fc.assert(
      fc.property(histories, (routing) => {
        expect(parseRouting(JSON.parse(JSON.stringify(routing)))).toEqual(routing);
      }),
    );
  });

  test("are replayed by the history, and undone by it", () => {
    fc.assert(
      fc.property(histories, (routing) => {
        expect(stateOf(routing.history.reduce(replay, NO_ROUTING))).toEqual(stateOf(routing));
        expect(stateOf(routing.history.reduceRight(undo, routing))).toEqual([[], []]);
      }),
    );
  });

  test("lead to routes that use no deleted version, and no version twice", () => {
    fc.assert(
      fc.property(histories, (routing) => {
        for (const route of Object.values(routing.aliases)) {
          const used = versionsOf(route);
          expect(used.filter((version) => tombstoneOf(routing, version))).toEqual([]);
          expect(new Set(used).size).toBe(used.length);
          if (route.split.length === 1)
            expect(route.shadow?.version).not.toBe(route.split[0]?.version);
        }
      }),
    );
  });

  test("have consecutive revisions, and times that never go back", () => {
    fc.assert(
      fc.property(histories, ({ revision, history }) => {
        expect(history.map((entry) => entry.revision)).toEqual(
          Array.from({ length: revision }, (_, index) => index + 1),
        );
        const times = history.map(({ at }) => Date.parse(at));
        expect(times).toEqual([...times].sort((a, b) => a - b));
      }),
    );
  });
});

test("a change has its author, its route before and after, and its note", () => {
  const before = routingAfter(pin("production", "1"));
  const { revision, history } = applyChange(before, pin("production", "2"), {
    ...BY,
    actor: "alice",
    note: "better",
    id: "abc",
    now: 5000,
  });
  expect(revision).toBe(2);
  expect(history[1]).toEqual({
    revision: 2,
    id: "abc",
    at: "1970-01-01T00:00:05.000Z",
    by: "key:00000000",
    actor: "alice",
    action: "alias",
    alias: "production",
    from: { split: [{ version: "1", weight: 1 }] },
    to: { split: [{ version: "2", weight: 1 }] },
    note: "better",
  });
});

test("a change of the versions keeps the shadow, unless it is now the only version", () => {
  const shadowed = routingAfter(pin("a", "1"), {
    action: "shadow",
    alias: "a",
    shadow: { version: "3", sample: 1 },
  });
  const other = applyChange(shadowed, pin("a", "2"), { ...BY, now: 0 });
  expect(routeOf(other, "a")).toEqual({
    split: splitOf({ 2: 1 }),
    shadow: { version: "3", sample: 1 },
  });
  const promoted = applyChange(shadowed, pin("a", "3"), { ...BY, now: 0 });
  expect(routeOf(promoted, "a")).toEqual({ split: splitOf({ 3: 1 }) });
});

test("the version that answers cannot be the shadow, and an alias without a route has none", () => {
  const shadow = (alias: string, version: string): RoutingChange => ({
    action: "shadow",
    alias,
    shadow: { version, sample: 1 },
  });
  const routing = routingAfter(pin("a", "1"));
  const apply = (change: RoutingChange) => () => applyChange(routing, change, { ...BY, now: 0 });
  expect(catchApiError("invalid_request", apply(shadow("a", "1"))).message).toContain("answers");
  expect(catchApiError("alias_not_found", apply(shadow("b", "1"))).message).toContain("are a");
  expect(catchApiError("alias_not_found", apply(shadow("default", "1"))).message).toContain(
    "pin it",
  );
  catchApiError("alias_not_found", apply({ action: "unshadow", alias: "constructor" }));
  catchApiError("alias_not_found", apply({ action: "unalias", alias: "constructor" }));
});

test("a model has a bounded number of aliases", () => {
  const full = routingAfter(
    ...Array.from({ length: MAX_ALIASES }, (_, index) => pin(`a${index}`, "1")),
  );
  const error = catchApiError("invalid_request", () =>
    applyChange(full, pin("one-more", "1"), { ...BY, now: 0 }),
  );
  expect(error.message).toContain("100 aliases");
  expect(applyChange(full, pin("a7", "2"), { ...BY, now: 0 }).revision).toBe(MAX_ALIASES + 1);
});

describe("a version that is deleted", () => {
  const remove = (force: boolean): RoutingChange => ({
    action: "delete",
    version: "2",
    filesDigest: "d",
    force,
  });
  const used = routingAfter(
    { action: "alias", alias: "split", split: splitOf({ 1: 9, 2: 1 }), sticky: "key" },
    pin("only", "2"),
    pin("other", "3"),
    { action: "shadow", alias: "other", shadow: { version: "2", sample: 1 } },
  );

  test("is refused while aliases use it, and names them", () => {
    const error = catchApiError("version_in_use", () =>
      applyChange(used, remove(false), { ...BY, now: 0 }),
    );
    expect(error.details).toMatchObject({ aliases: ["split", "only", "other"] });
    expect(error.message).toContain('"split", "only", "other"');
  });

  test("with force is removed from the routes before, with an entry of the history for each", () => {
    const after = applyChange(used, remove(true), { ...BY, now: 0 });
    expect(after.aliases).toEqual({
      split: { split: splitOf({ 1: 9 }), sticky: "key" },
      other: { split: splitOf({ 3: 1 }) },
    });
    expect(after.history.slice(4).map(({ action, alias }) => [action, alias])).toEqual([
      ["alias", "split"],
      ["unalias", "only"],
      ["alias", "other"],
      ["delete", undefined],
    ]);
    expect(after.deleted).toEqual({
      2: { at: expect.any(String), by: "key:00000000", filesDigest: "d" },
    });
  });

  test("cannot be routed to until it is published again", () => {
    const deleted = routingAfter(remove(false));
    const route = pin("a", "2");
    const error = catchApiError("version_deleted", () =>
      applyChange(deleted, route, { ...BY, now: 0 }),
    );
    expect(error.message).toContain("Version 2");
    const published = applyChange(deleted, { action: "publish", version: "2" }, { ...BY, now: 0 });
    expect(published.deleted).toEqual({});
    expect(applyChange(published, route, { ...BY, now: 0 }).aliases).toHaveProperty("a");
  });

  test("again changes nothing, except the deletions of its objects that have begun", () => {
    const deleted = routingAfter(remove(false));
    expect(applyChange(deleted, remove(false), { ...BY, now: 0 })).toBe(deleted);
    const registered = applyChange(
      deleted,
      { action: "delete", version: "2", force: false, removalId: "r1" },
      { ...BY, now: 9000 },
    );
    expect(registered.revision).toBe(deleted.revision);
    expect(tombstoneOf(registered, "2")?.removing).toMatchObject([{ id: "r1" }]);
    expect(registered.history).toEqual(deleted.history);
  });

  test("that was never deleted is not published again by a change", () => {
    const routing = routingAfter(pin("a", "1"));
    expect(applyChange(routing, { action: "publish", version: "1" }, { ...BY, now: 0 })).toBe(
      routing,
    );
  });
});
