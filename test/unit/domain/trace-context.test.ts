import { describe, expect, test } from "vitest";
import {
  createTraceContext,
  parseTraceParent,
  parseTraceState,
  toTraceParent,
} from "../../../src/domain/trace-context.ts";

/** What is valid, and what is made of it, is what opentelemetry-api 1.45 (Python) says, and where that is silent the specification. */

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

describe("a traceparent", () => {
  test.each([
    [`00-${TRACE}-${SPAN}-01`, 1],
    [`00-${TRACE}-${SPAN}-00`, 0],
    [`00-${TRACE}-${SPAN}-03`, 3],
    // Unknown flags are not passed on.
    [`00-${TRACE}-${SPAN}-ff`, 3],
    [`00-${TRACE}-${SPAN}-08`, 0],
    // Of a later version.
    [`cc-${TRACE}-${SPAN}-01`, 1],
    [`cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`, 1],
    [`01-${TRACE}-${SPAN}-01-`, 1],
  ])("%s has the flags %i", (text, flags) => {
    expect(parseTraceParent(text)).toEqual({ traceId: TRACE, spanId: SPAN, flags });
  });

  test.each([
    "",
    "00",
    `cc-${TRACE}-${SPAN}-01.what-the-future-will-not-be-like`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-01-`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN.toUpperCase()}-01`,
    `0A-${TRACE}-${SPAN}-01`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `00-${TRACE.slice(1)}-${SPAN}-01`,
    `00-${TRACE}0-${SPAN}-01`,
    `00-${TRACE}-${SPAN.slice(1)}-01`,
    `00-${TRACE}-${SPAN}-1`,
    `0-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-0x`,
    `00-${TRACE}-${SPAN}-.0`,
    `00_${TRACE}_${SPAN}_01`,
    // Two headers, which HTTP joins.
    `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
    `cc-${TRACE}-${SPAN}-01-${"x".repeat(600)}`,
  ])("is not %j", (text) => {
    expect(parseTraceParent(text)).toBeUndefined();
  });
});

describe("a tracestate", () => {
  test.each([
    ["foo=1", "foo=1"],
    ["foo=1,bar=2", "foo=1,bar=2"],
    ["foo=1,,bar=2,", "foo=1,bar=2"],
    ["foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3"],
    ["foo= 1", "foo= 1"],
    ["a-_*/9=!~", "a-_*/9=!~"],
    ["t@v=1", "t@v=1"],
    ["0t@v=1", "0t@v=1"],
    [`${"t".repeat(241)}@${"v".repeat(14)}=1`, `${"t".repeat(241)}@${"v".repeat(14)}=1`],
    [`${"z".repeat(256)}=1`, `${"z".repeat(256)}=1`],
  ])("%j is passed on as %j", (text, passedOn) => {
    expect(parseTraceState(text)).toBe(passedOn);
  });

  test.each([
    "",
    ",",
    "foo",
    "=1",
    "foo =1",
    "FOO=1",
    "foo=1,foo=1",
    "foo=1,foo=2",
    "foo@=1",
    "@foo=1",
    "foo@@bar=1",
    "foo.bar=1",
    "foo=bar=baz",
    "foo=,bar=3",
    "foo=ä",
    "foo=1;bar=2=3",
    `${"z".repeat(257)}=1`,
    `${"t".repeat(242)}@v=1`,
    `t@${"v".repeat(15)}=1`,
    `foo=${"x".repeat(257)}`,
    Array.from({ length: 33 }, (_, member) => `bar${member}=1`).join(","),
  ])("%j is dropped", (text) => {
    expect(parseTraceState(text)).toBeUndefined();
  });

  test("is passed on within 512 characters, without long members and then without the last ones", () => {
    const members = Array.from({ length: 32 }, (_, member) => `bar${member}=${"x".repeat(20)}`);
    const passedOn = parseTraceState([`long=${"y".repeat(124)}`, ...members.slice(1)].join(","));
    expect(passedOn).toBe(members.slice(1, 20).join(","));
    expect(passedOn?.length).toBeLessThanOrEqual(512);
    // Long members are left out only where it is too long.
    const short = [`long=${"y".repeat(124)}`, ...members.slice(1, 5)].join(",");
    expect(parseTraceState(short)).toBe(short);
    expect(
      parseTraceState(Array.from({ length: 4 }, (_, n) => `l${n}=${"y".repeat(200)}`).join()),
    ).toBeUndefined();
  });

  test("of any length is read in time", () => {
    expect(parseTraceState(`a=${" ".repeat(1_000_000)}`)).toBeUndefined();
    expect(parseTraceState(`${" \t".repeat(8000)}a=1`)).toBe("a=1");
  });
});

describe("the context of a request", () => {
  test("is a span of the caller's trace, with its flags and state", () => {
    const context = createTraceContext({
      traceparent: `00-${TRACE}-${SPAN}-00`,
      tracestate: "congo=t61rcWkgMzE",
    });
    expect(context).toEqual({
      traceId: TRACE,
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      parentSpanId: SPAN,
      flags: 0,
      state: "congo=t61rcWkgMzE",
    });
    expect(context.spanId).not.toBe(SPAN);
    expect(parseTraceParent(toTraceParent(context))).toEqual({
      traceId: TRACE,
      spanId: context.spanId,
      flags: 0,
    });
  });

  test.each([undefined, "", "00-nothing", `00-${"0".repeat(32)}-${SPAN}-01`])(
    "begins a trace for the traceparent %j, and ignores the state",
    (traceparent) => {
      const context = createTraceContext({ traceparent, tracestate: "foo=1" });
      expect(context).toEqual({
        traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
        spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
        flags: 3,
      });
      expect(toTraceParent(context)).toBe(`00-${context.traceId}-${context.spanId}-03`);
    },
  );

  test("shares the trace of the platform unless the caller has named one", () => {
    expect(createTraceContext({}, TRACE)).toMatchObject({ traceId: TRACE, flags: 1 });
    const traceparent = `00-${"1".repeat(32)}-${SPAN}-01`;
    expect(createTraceContext({ traceparent }, TRACE).traceId).toBe("1".repeat(32));
  });

  test("has ids that differ from all others", () => {
    const contexts = Array.from({ length: 1000 }, () => createTraceContext({}));
    const ids = contexts.flatMap(({ traceId, spanId }) => [
      traceId.slice(0, 16),
      traceId.slice(16),
      spanId,
    ]);
    expect(new Set(ids).size).toBe(3000);
  });
});
