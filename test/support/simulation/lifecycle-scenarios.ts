import type { Command, PlacedCommand } from "./lifecycle-commands.ts";

/** What clients do in an order that random commands seldom have. */
export interface Scenario {
  readonly before: readonly PlacedCommand[];
  readonly clients: readonly (readonly PlacedCommand[])[];
}

const QUARTER_HOUR = 16 * 60;
const THREE_HOURS = 3 * 3600;

const inIsolate =
  (isolate: number) =>
  (command: Command): PlacedCommand => ({ isolate, command });
const A = inIsolate(0);
const B = inIsolate(1);

const publish = (
  file: string,
  way: "file" | "steps" | "again" = "file",
  force = false,
): Command => ({
  does: "publish",
  version: "1",
  file,
  force,
  way,
});
const remove: Command = { does: "delete", version: "1", force: true };
const collect: Command = { does: "collect" };
const request: Command = { does: "request", reference: "m@1" };
const pass = (seconds: number): Command => ({ does: "pass", seconds });

/** Steps in which the others come as far as a deletion needs to purge. */
const LATER = Array.from({ length: 10 }, () => B(pass(1)));

const route = (version: string): Command => ({
  does: "change",
  change: { action: "alias", alias: "production", split: [{ version, weight: 1 }] },
});
const routed: Command = { does: "request", reference: "m@production" };

export const SCENARIOS: readonly Scenario[] = [
  // A deletion that goes on when another one has finished and the number has been published again.
  {
    before: [A(publish("x"))],
    clients: [
      [A(remove)],
      [...LATER, B(pass(QUARTER_HOUR)), B(remove), B(publish("x")), B(request)],
    ],
  },
  // A publication during which another one is deleted.
  {
    before: [],
    clients: [[A(publish("x"))], [B(publish("x")), B(remove), B(publish("y", "file", true))]],
  },
  // A prepared manifest that is published by several, and deleted in between.
  {
    before: [],
    clients: [
      [A(publish("x", "steps"))],
      [B(publish("x", "steps")), B(remove), B(publish("x", "again"))],
      [A(publish("x", "again"))],
    ],
  },
  // A publication that takes longer than the collection of garbage waits.
  {
    before: [],
    clients: [
      [A(publish("x")), A(request)],
      [B(pass(THREE_HOURS)), B(collect)],
    ],
  },
  // A change that the isolate that made it sees at once, and another one later.
  {
    before: [A(publish("x")), A({ ...publish("x"), version: "2" } as Command), A(route("1"))],
    clients: [
      [A(routed), A(route("2")), A(routed)],
      [B(routed), B(pass(12)), B(routed)],
    ],
  },
  // A version that is promoted while it is deleted.
  {
    before: [A(publish("x")), A({ ...publish("x"), version: "2" } as Command)],
    clients: [
      [
        A({
          does: "change",
          change: { action: "alias", alias: "default", split: [{ version: "1", weight: 1 }] },
        }),
      ],
      [B({ ...remove, force: false } as Command)],
      [A(request)],
    ],
  },
];
