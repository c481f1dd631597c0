import { beforeEach, describe, expect, test } from "vitest";
import { ApiError } from "../../../../src/domain/errors.ts";
import type { TelemetryEvent } from "../../../../src/domain/event.ts";
import { canarySplitOf } from "../../../../src/domain/monitoring/canary-pairs.ts";
import type {
  CanaryOutcome,
  CanaryVerdict,
} from "../../../../src/domain/monitoring/canary-report.ts";
import type { Split } from "../../../../src/domain/routing.ts";
import { createAuditRecorder } from "../../../../src/guard/audit-recorder.ts";
import { createCatalog } from "../../../../src/registry/catalog.ts";
import { createCanaryRollback } from "../../../../src/registry/routing/canary-rollback.ts";
import { readRouting } from "../../../../src/registry/routing/read-routing.ts";
import {
  createRoutingEditor,
  type RoutingEditor,
} from "../../../../src/registry/routing/routing-editor.ts";
import { manifestKey } from "../../../../src/storage/model-keys.ts";
import { createMemoryModels, manifestOf } from "../../../support/memory-models.ts";
import { pin } from "../../../support/routings.ts";

const ADMIN = { by: "key:00000000" };
const SPLIT: Split = [
  { version: "1", weight: 9 },
  { version: "2", weight: 1 },
];

let models: ReturnType<typeof createMemoryModels>;
let outcomes: CanaryOutcome[];
let events: TelemetryEvent[];

beforeEach(() => {
  models = createMemoryModels();
  models.publish("m", "1", "3");
  publishCanary({ rollback: true });
  outcomes = [];
  events = [];
});

function publishCanary(canary: object | undefined): void {
  const manifest = { ...manifestOf("m", "2"), ...(canary && { monitoring: { canary } }) };
  models.bytes.set(
    manifestKey({ name: "m", version: "2" }),
    new Uint8Array(Buffer.from(JSON.stringify(manifest))),
  );
}

/** An isolate with its own catalog and editor; all share what was acknowledged. */
function isolate() {
  const catalog = createCatalog(models.store, { listingTtlSeconds: 0 });
  const editor = createRoutingEditor(models.routings, { onChange: catalog.forget });
  const sink = { emit: (event: TelemetryEvent) => void events.push(event) };
  const onCanary = createCanaryRollback({
    catalog,
    editor,
    audit: createAuditRecorder({ authority: undefined, sink }),
    sink,
    store: () => ({
      async acknowledgeCanary(_, outcome) {
        if (outcomes.length > 0) return false;
        outcomes.push(outcome);
        return true;
      },
    }),
  });
  return { editor, onCanary };
}

/** An administrator, who has an isolate of their own. */
const admin: RoutingEditor = { change: (...args) => isolate().editor.change(...args) };

const route = async (alias = "live") =>
  (await readRouting(models.routings, "m")).routing.aliases[alias]?.split;

async function split(alias = "live", versions: Split = SPLIT): Promise<CanaryVerdict> {
  await admin.change("m", pin(alias, "1"), ADMIN);
  const routing = await admin.change("m", { action: "alias", alias, split: versions }, ADMIN);
  const found = canarySplitOf(routing, alias);
  return {
    alias,
    since: found?.canaries[0]?.since ?? 0,
    stable: found?.stable ?? "",
    canary: found?.canaries[0]?.version ?? "",
    metric: "errors",
    significance: 0.001,
    at: "2026-11-30T12:00:00.000Z",
    reason: "Version 2 is worse.",
  };
}

const kinds = () => events.map(({ event }) => event);

describe("a canary that is worse", () => {
  test("is taken out of the split once, by however many isolates hear of it", async () => {
    const verdict = await split();
    expect(verdict).toMatchObject({ stable: "1", canary: "2", since: 2 });
    const isolates = [isolate(), isolate(), isolate()];
    await Promise.all(isolates.map(({ onCanary }) => onCanary("m", verdict)));
    await isolates[0]?.onCanary("m", verdict);
    expect(await route()).toEqual([{ version: "1", weight: 9 }]);
    const { routing } = await readRouting(models.routings, "m");
    const ours = routing.history.filter(({ by }) => by === "monitoring");
    expect(ours).toMatchObject([{ revision: 3, alias: "live", note: "Version 2 is worse." }]);
    expect(outcomes).toEqual(["rolled_back"]);
    expect(events.filter(({ event }) => event === "canary")).toMatchObject([
      { model: "m", alias: "live", stable: "1", version: "2", outcome: "rolled_back" },
    ]);
    expect(events).toContainEqual(
      expect.objectContaining({ event: "audit", operation: "rollbackCanary", by: "monitoring" }),
    );
  });

  test("leaves the split to an administrator who has changed it meanwhile", async () => {
    const verdict = await split();
    await admin.change("m", pin("live", "3"), ADMIN);
    await isolate().onCanary("m", verdict);
    expect(await route()).toEqual([{ version: "3", weight: 1 }]);
    expect(outcomes).toEqual(["changed"]);
    expect(kinds()).toEqual(["canary"]);
  });

  test("leaves a split alone that was begun again after it was compared", async () => {
    const verdict = await split();
    await admin.change("m", pin("live", "1"), ADMIN);
    await admin.change("m", { action: "alias", alias: "live", split: SPLIT }, ADMIN);
    await isolate().onCanary("m", verdict);
    expect(await route()).toEqual(SPLIT);
    expect(outcomes).toEqual(["changed"]);
  });

  test("is rolled back after its weight was changed, because that is the same comparison", async () => {
    const verdict = await split();
    const heavier: Split = [
      { version: "1", weight: 1 },
      { version: "2", weight: 3 },
    ];
    await admin.change("m", { action: "alias", alias: "live", split: heavier }, ADMIN);
    await isolate().onCanary("m", verdict);
    expect(await route()).toEqual([{ version: "1", weight: 1 }]);
    expect(outcomes).toEqual(["rolled_back"]);
  });

  test("loses to a change of an administrator between reading and writing", async () => {
    const verdict = await split();
    const { onCanary } = isolate();
    const put = models.routings.putRouting;
    let isFirst = true;
    models.routings.putRouting = async (...args) => {
      if (isFirst) {
        isFirst = false;
        await admin.change("m", pin("live", "3"), ADMIN);
      }
      return put(...args);
    };
    await onCanary("m", verdict);
    expect(await route()).toEqual([{ version: "3", weight: 1 }]);
    expect(outcomes).toEqual(["changed"]);
  });

  test("of several leaves the others in the split", async () => {
    const verdict = await split("live", [...SPLIT, { version: "3", weight: 2 }]);
    expect(verdict.canary).toBe("2");
    await isolate().onCanary("m", verdict);
    expect(await route()).toEqual([
      { version: "1", weight: 9 },
      { version: "3", weight: 2 },
    ]);
  });

  test.each([
    ["says nothing", undefined],
    ["does not ask for it", { rollback: false }],
  ])("is only reported when its manifest %s", async (_, canary) => {
    publishCanary(canary);
    const verdict = await split();
    await isolate().onCanary("m", verdict);
    expect(await route()).toEqual(SPLIT);
    expect(outcomes).toEqual(["reported"]);
    expect(kinds()).toEqual(["canary"]);
  });
});

describe("stable", () => {
  const history = async () => (await readRouting(models.routings, "m")).routing;

  test("is the version before the split, whatever its weight", async () => {
    const lighter: Split = [
      { version: "1", weight: 1 },
      { version: "2", weight: 9 },
    ];
    await split("live", lighter);
    expect(canarySplitOf(await history(), "live")?.stable).toBe("1");
  });

  test("is the version with the largest weight of the first split, where there was none before", async () => {
    await admin.change("m", { action: "alias", alias: "new", split: SPLIT }, ADMIN);
    expect(canarySplitOf(await history(), "new")).toEqual({
      stable: "1",
      canaries: [{ version: "2", since: 1 }],
    });
    expect(canarySplitOf(await history(), "nobody")).toBeUndefined();
  });
});

test("a rollback that storage refuses fails, so that it is tried again", async () => {
  const verdict = await split();
  models.routings.putRouting = async () => {
    throw new ApiError("authority_unavailable", "not now");
  };
  await expect(isolate().onCanary("m", verdict)).rejects.toThrow("not now");
  expect(outcomes).toEqual([]);
});
