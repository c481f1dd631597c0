import { expect, test } from "vitest";
import type { AuditAuthority } from "../../../src/domain/audit/audit-authority.ts";
import type { AuditRecord } from "../../../src/domain/audit/audit-entry.ts";
import { recordWork } from "../../../src/domain/audit/audit-recorder.ts";
import { ApiError } from "../../../src/domain/errors.ts";
import type { TelemetryEvent } from "../../../src/domain/event.ts";
import { createAuditRecorder } from "../../../src/guard/audit-recorder.ts";
import { createScrubber, type ScrubSecrets } from "../../../src/shared/scrub-secrets.ts";

const SUBJECT = { operation: "setAlias", by: "key:1f0c2a9b", target: { model: "iris" } };

interface Options {
  /** How many of the next appends fail. */
  readonly failures?: number;
  readonly authority?: boolean;
  readonly scrub?: ScrubSecrets;
}

function createRecorder({ failures = 0, authority = true, scrub = (text) => text }: Options = {}) {
  const records: AuditRecord[] = [];
  const events: TelemetryEvent[] = [];
  const state = { failures };
  const fake: AuditAuthority = {
    async appendAudit(record) {
      if (state.failures-- > 0) throw new Error("the authority is out of reach");
      records.push(record);
      return { seq: records.length, hash: `hash ${records.length}` };
    },
    readAudit: async () => ({ entries: [] }),
    auditHead: async () => ({ seq: 0, hash: "" }),
    exportAudit: async () => [],
    eraseAudit: async () => 0,
  };
  const recorder = createAuditRecorder({
    authority: authority ? fake : undefined,
    sink: { emit: (event) => void events.push(event) },
    scrub,
    pause: async () => undefined,
  });
  return { recorder, records, events, state };
}

test("a change is an entry before and one after it, and an event with the number of the second", async () => {
  const { recorder, records, events } = createRecorder();
  const change = await recorder.begin(SUBJECT);
  expect(records).toEqual([{ ...SUBJECT, phase: "begun", change: expect.any(String) }]);
  await change.end({
    target: { alias: "production" },
    before: { version: "1", sticky: "key" },
    after: { version: "2", sticky: "key" },
  });
  const id = records[0]?.change;
  expect(id).toMatch(/^[0-9a-f]{16}$/);
  const expected = {
    operation: "setAlias",
    by: "key:1f0c2a9b",
    target: { model: "iris", alias: "production" },
    change: id,
  };
  const details = { before: { version: "1" }, after: { version: "2" } };
  expect(records[1]).toEqual({ ...expected, phase: "done", details });
  expect(events).toEqual([
    {
      ...expected,
      ...details,
      event: "audit",
      schemaVersion: 3,
      time: expect.any(String),
      outcome: "done",
      seq: 2,
      hash: "hash 2",
    },
  ]);
});

test("a change that fails has the code of its error, and not its message", async () => {
  const { recorder, records, events } = createRecorder();
  const change = await recorder.begin(SUBJECT);
  await change.end({}, new ApiError("version_in_use", "a secret of the client"));
  expect(records[1]).toMatchObject({ phase: "failed", errorCode: "version_in_use" });
  expect(events[0]).toMatchObject({ outcome: "failed", errorCode: "version_in_use" });
  expect(JSON.stringify([records, events])).not.toContain("secret");
});

test("without an entry before it a change is refused", async () => {
  const { recorder, records } = createRecorder({ failures: 1 });
  await expect(recorder.begin(SUBJECT)).rejects.toMatchObject({ code: "authority_unavailable" });
  expect(records).toHaveLength(0);
});

test("the entry after a change is tried again, and without it the event remains", async () => {
  const { recorder, records, events, state } = createRecorder();
  const first = await recorder.begin(SUBJECT);
  state.failures = 3;
  await first.end({});
  expect(records).toHaveLength(2);
  const second = await recorder.begin(SUBJECT);
  state.failures = 100;
  await second.end({ after: { version: "2" } });
  expect(records).toHaveLength(3);
  expect(events[1]).toMatchObject({ outcome: "done", after: { version: "2" } });
  expect(events[1]).not.toHaveProperty("seq");
});

test("a secret in a note is in no entry and no event, also where it is cut", async () => {
  const key = "a-secret-of-the-service-1234";
  const { recorder, records, events } = createRecorder({
    scrub: createScrubber([key], { findsCut: true }),
  });
  const request = { note: `my key is ${key}`, other: `${"x".repeat(240)}${key}` };
  const change = await recorder.begin({ ...SUBJECT, actor: key, request });
  await change.end({
    after: { [key]: [key, "of_live_0123456789abABCDEFGHIJKLMNOPQRSTUVWXYZ012345"] },
  });
  expect(records[0]?.details).toMatchObject({
    actor: "[secret]",
    request: { note: "my key is [secret]" },
  });
  expect(records[1]?.details?.after).toEqual({ "[secret]": ["[secret]", "[secret]"] });
  const written = JSON.stringify([records, events]);
  expect(written).not.toContain(key.slice(0, 8));
  expect(written).not.toContain("ABCDEFG");
});

test("without an authority changes are events only", async () => {
  const { recorder, records, events } = createRecorder({ authority: false });
  await (await recorder.begin(SUBJECT)).end({ after: { version: "2" } });
  expect(records).toEqual([]);
  expect(events).toMatchObject([{ event: "audit", outcome: "done", after: { version: "2" } }]);
  expect(events[0]).not.toHaveProperty("seq");
});

test("work that no request has asked for is recorded, also when it fails", async () => {
  const { recorder, records } = createRecorder();
  const result = await recordWork(
    recorder,
    "sweepGarbage",
    async () => 7,
    (removed) => ({ after: { removed } }),
  );
  expect(result).toBe(7);
  const fails = async () => {
    throw new Error("the bucket is gone");
  };
  await expect(recordWork(recorder, "sweepGarbage", fails)).rejects.toThrow("the bucket is gone");
  expect(
    records.map(({ phase, by, details, errorCode }) => [phase, by, details?.after, errorCode]),
  ).toEqual([
    ["begun", "schedule", undefined, undefined],
    ["done", "schedule", { removed: 7 }, undefined],
    ["begun", "schedule", undefined, undefined],
    ["failed", "schedule", undefined, "internal"],
  ]);
});
