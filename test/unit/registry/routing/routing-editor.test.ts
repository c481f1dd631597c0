import { beforeEach, describe, expect, test, vi } from "vitest";
import type { ObjectStore } from "../../../../src/domain/object-store.ts";
import { createRoutingAdministration } from "../../../../src/registry/routing/administration.ts";
import { readHistory, readRouting } from "../../../../src/registry/routing/read-routing.ts";
import { createRoutingEditor } from "../../../../src/registry/routing/routing-editor.ts";
import { rejectedApiError } from "../../../support/errors.ts";
import { createMemoryModels, storesOver } from "../../../support/memory-models.ts";
import { pin } from "../../../support/routings.ts";

const AUTHOR = { by: "key:00000000" };
const KEY = "models/m/routing.json";

let models: ReturnType<typeof createMemoryModels>;

beforeEach(() => {
  models = createMemoryModels();
  models.publish("m", "1", "2", "3");
});

/** An isolate's own editor, which waits for a fiftieth of the time. */
function isolate(objects: ObjectStore = models.objects) {
  const waits: number[] = [];
  const onChange = vi.fn();
  const { routings } = storesOver(objects);
  const editor = createRoutingEditor(routings, {
    wait: async (milliseconds) => {
      waits.push(milliseconds);
      await new Promise((resume) => setTimeout(resume, milliseconds / 50));
    },
    onChange,
  });
  return {
    ...editor,
    waits,
    onChange,
    administration: createRoutingAdministration(routings, editor),
  };
}

async function wholeHistory() {
  const { routing } = await readRouting(models.routings, "m");
  return (await readHistory(models.routings, "m", routing, 0)).entries;
}

describe("changes at the same time", () => {
  test("of several isolates are all in the history, also beyond what a document keeps", async () => {
    const isolates = Array.from({ length: 4 }, () => isolate());
    await Promise.all(
      isolates.flatMap(({ change }, index) =>
        Array.from({ length: 60 }, (_, count) =>
          change("m", pin(`a${count % 5}`, `${1 + (count % 3)}`), {
            ...AUTHOR,
            note: `${index}/${count}`,
          }),
        ),
      ),
    );
    const entries = await wholeHistory();
    expect(entries.map(({ revision }) => revision)).toEqual(
      Array.from({ length: 240 }, (_, index) => index + 1),
    );
    expect(new Set(entries.map(({ note }) => note)).size).toBe(240);
    const parts = [...models.bytes.keys()].filter((key) => key.startsWith("models/m/routing/"));
    expect(parts.sort()).toEqual(["models/m/routing/1.json"]);
    const { routing } = await readRouting(models.routings, "m");
    expect(routing.history.length).toBeLessThanOrEqual(200);
  });

  test("of one isolate are one write, in which a refused change does not affect the others", async () => {
    const { objects } = models;
    const put = vi.fn(objects.put);
    const { change } = isolate({ ...objects, put });
    const settled = await Promise.allSettled([
      change("m", pin("a", "1"), AUTHOR),
      ...["2", "9", "3"].map((version) => change("m", pin("a", version), AUTHOR)),
      change("m", pin("b", "1"), AUTHOR, { expectedRevision: 1 }),
    ]);
    expect(settled).toMatchObject([
      { value: { revision: 1 } },
      { value: { revision: 2 } },
      { reason: { code: "version_not_found" } },
      { value: { revision: 3 } },
      { reason: { code: "routing_conflict" } },
    ]);
    expect(put).toHaveBeenCalledTimes(2);
    expect((await wholeHistory()).map(({ to }) => to?.split[0]?.version)).toEqual(["1", "2", "3"]);
  });

  test("that always lose are given up after a bounded number of attempts", async () => {
    const { objects } = models;
    const put: ObjectStore["put"] = async (key, bytes, options) => {
      if (key === KEY) await objects.put(key, Buffer.from(`${await textOf()} `));
      return objects.put(key, bytes, options);
    };
    const textOf = async (): Promise<string> =>
      Buffer.from(models.bytes.get(KEY) ?? "").toString() ||
      '{"schemaVersion":1,"revision":0,"aliases":{},"deleted":{},"history":[]}';
    const { change, waits } = isolate({ ...objects, put });
    const error = await rejectedApiError("routing_conflict", change("m", pin("a", "1"), AUTHOR));
    expect(error.message).toMatch(/each of \d\d attempts in 1\d seconds/);
    const waited = waits.reduce((sum, milliseconds) => sum + milliseconds, 0);
    expect(waited).toBeGreaterThanOrEqual(10_000);
    expect(waited).toBeLessThanOrEqual(11_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1000);
  });
});

describe("a write that fails", () => {
  function failing(fail: (key: string, times: number) => "before" | "after" | undefined) {
    let times = 0;
    const { objects } = models;
    const put: ObjectStore["put"] = async (key, bytes, options) => {
      const when = key === KEY ? fail(key, ++times) : undefined;
      if (when === "before") throw new Error("no connection");
      const written = await objects.put(key, bytes, options);
      if (when === "after") throw new Error("connection lost");
      return written;
    };
    return isolate({ ...objects, put });
  }

  test("is made again", async () => {
    const { change } = failing((_, times) => (times < 3 ? "before" : undefined));
    expect(await change("m", pin("a", "1"), AUTHOR)).toMatchObject({ revision: 1 });
  });

  test("after it took effect is not made twice", async () => {
    const { change } = failing((_, times) => (times === 2 ? "after" : undefined));
    await change("m", pin("a", "1"), AUTHOR);
    const changed = await change("m", pin("a", "2"), AUTHOR);
    expect(changed.revision).toBe(2);
    expect(await wholeHistory()).toHaveLength(2);
  });

  test("and a rollback whose acknowledgement was lost goes back only once", async () => {
    const { change, administration } = failing((_, times) => (times === 4 ? "after" : undefined));
    for (const version of ["1", "2", "3"]) await change("m", pin("a", version), AUTHOR);
    const { aliases } = await administration.rollback("m", "a", {}, AUTHOR);
    expect(aliases.a?.split).toEqual([{ version: "2", weight: 1 }]);
  });

  test("each time is reported", async () => {
    const { change, onChange } = failing(() => "before");
    const error = await rejectedApiError("storage_failed", change("m", pin("a", "1"), AUTHOR));
    expect(error.message).toContain("could not be written");
    expect(onChange).toHaveBeenCalledWith("m");
    expect(models.bytes.has(KEY)).toBe(false);
  });
});

describe("a change", () => {
  test("to a version that is not published is refused, and of a model without versions", async () => {
    const { change } = isolate();
    const error = await rejectedApiError("version_not_found", change("m", pin("a", "9"), AUTHOR));
    expect(error.message).toContain("its versions are 3, 2, 1");
    await rejectedApiError("model_not_found", change("n", pin("a", "1"), AUTHOR));
    const remove = { action: "unalias", alias: "a" } as const;
    await rejectedApiError("model_not_found", change("n", remove, AUTHOR));
    expect([...models.bytes.keys()].some((key) => key.includes("routing"))).toBe(false);
  });

  test("with another expected revision is refused, also when another change comes first", async () => {
    const [first, second] = [isolate(), isolate()];
    await first.change("m", pin("a", "1"), AUTHOR, { expectedRevision: 0 });
    await rejectedApiError(
      "routing_conflict",
      first.change("m", pin("a", "2"), AUTHOR, { expectedRevision: 0 }),
    );
    const both = await Promise.allSettled([
      first.change("m", pin("a", "2"), AUTHOR, { expectedRevision: 1 }),
      second.change("m", pin("a", "3"), AUTHOR, { expectedRevision: 1 }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await wholeHistory()).toHaveLength(2);
  });

  test("of a routing that is corrupt is refused, and leaves it as it is", async () => {
    models.bytes.set(KEY, new Uint8Array(Buffer.from('{"schemaVersion":1}')));
    const { change } = isolate();
    await rejectedApiError("routing_corrupt", change("m", pin("a", "1"), AUTHOR));
    expect(Buffer.from(models.bytes.get(KEY) ?? "").toString()).toBe('{"schemaVersion":1}');
  });

  test("that was deleted meanwhile is refused, whichever change comes first", async () => {
    const [first, second] = [isolate(), isolate()];
    const remove = { action: "delete", version: "2", filesDigest: "d", force: false } as const;
    const [deleted, routed] = await Promise.allSettled([
      first.change("m", remove, AUTHOR),
      second.change("m", pin("a", "2"), AUTHOR),
    ]);
    expect([deleted.status, routed.status].sort()).toEqual(["fulfilled", "rejected"]);
  });
});

describe("a history of many changes", () => {
  let stored: ReadonlyMap<string, Uint8Array<ArrayBuffer>> | undefined;

  beforeEach(async () => {
    for (const [key, bytes] of stored ?? []) models.bytes.set(key, bytes);
    if (stored) return;
    const { change } = isolate();
    for (let index = 0; index < 350; index++)
      await change("m", pin(index % 50 === 0 ? "rare" : "often", `${1 + (index % 3)}`), {
        ...AUTHOR,
        note: `${index}`,
      });
    stored = new Map(models.bytes);
  });

  test("is read page by page, and by alias, across its parts", async () => {
    const { administration } = isolate();
    const page = async (limit: number, before?: number) =>
      (await administration.history("m", { limit, before })).map(({ revision }) => revision);
    expect(await page(3)).toEqual([350, 349, 348]);
    expect(await page(3, 102)).toEqual([101, 100, 99]);
    expect(await page(1000, 3)).toEqual([2, 1]);
    expect(await page(3, 1)).toEqual([]);
    const rare = await administration.history("m", { alias: "rare", limit: 100 });
    expect(rare.map(({ revision }) => revision)).toEqual([301, 251, 201, 151, 101, 51, 1]);
  });

  test("is rolled back across its parts, to a revision as well", async () => {
    const { administration } = isolate();
    // Of the versions 1, 3, 2, 1, 3, 2, 1 in turn.
    const versions: (string | undefined)[] = [];
    for (let index = 0; index < 3; index++) {
      const { aliases } = await administration.rollback("m", "rare", {}, AUTHOR);
      versions.push(aliases.rare?.split[0]?.version);
    }
    expect(versions).toEqual(["2", "3", "1"]);
    const { aliases } = await administration.rollback("m", "rare", { revision: 60 }, AUTHOR);
    expect(aliases.rare?.split).toEqual([{ version: "3", weight: 1 }]);
  });

  test("has a gap if a part is missing, which is reported where it is needed", async () => {
    const { administration } = isolate();
    await models.objects.delete(["models/m/routing/1.json"]);
    expect(await administration.history("m", { limit: 10 })).toHaveLength(10);
    const error = await rejectedApiError(
      "routing_corrupt",
      administration.history("m", { limit: 1000 }),
    );
    expect(error.message).toContain("lacks");
  });

  test("of another document with the same revisions is left alone", async () => {
    const part = models.bytes.get("models/m/routing/1.json");
    await models.objects.delete([KEY]);
    const { change } = isolate();
    for (let index = 0; index < 230; index++)
      await change("m", pin("again", "1"), { ...AUTHOR, note: `again ${index}` });
    expect(models.bytes.get("models/m/routing/1.json")).toBe(part);
    expect(await wholeHistory()).toHaveLength(230);
  });
});

test("a rollback drops a shadow that does not exist any longer", async () => {
  const { change, administration } = isolate();
  await change("m", pin("a", "1"), AUTHOR);
  const shadow = { version: "3", sample: 1 };
  await change("m", { action: "shadow", alias: "a", shadow }, AUTHOR);
  await change("m", pin("a", "2"), AUTHOR);
  await change("m", { action: "unshadow", alias: "a" }, AUTHOR);
  const kept = await administration.rollback("m", "a", {}, AUTHOR);
  expect(kept.aliases.a).toEqual({ split: [{ version: "1", weight: 1 }], shadow });
  await change("m", pin("a", "2"), AUTHOR);
  await models.objects.delete(["models/m/3/manifest.json"]);
  const dropped = await administration.rollback("m", "a", {}, AUTHOR);
  expect(dropped.aliases.a).toEqual({ split: [{ version: "1", weight: 1 }] });
});

test("a rollback to a version that was deleted is refused, and says so", async () => {
  const { change, administration } = isolate();
  await change("m", pin("a", "1"), AUTHOR);
  await change("m", pin("a", "2"), AUTHOR);
  await change("m", { action: "delete", version: "1", force: false }, AUTHOR);
  const error = await rejectedApiError(
    "version_deleted",
    administration.rollback("m", "a", {}, AUTHOR),
  );
  expect(error.message).toContain("Version 1");
});
