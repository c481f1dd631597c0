/** Replies that no isolate of a model sends, and how they are made. */

const ENCODER = new TextEncoder();
const REPORT = {
  phasesMs: {},
  coldStart: false,
  state: "ready",
  isFirst: false,
  usedBytes: 1,
  executions: 1,
  queueMs: 0,
};
const MEBIBYTE = 2 ** 20;

const reply = (value: unknown): unknown => ({ value, report: REPORT });
const value = (content: unknown): unknown =>
  reply({ kind: "value", value: { value: content, isTagged: false }, form: "one" });
const stream = (lines: unknown): unknown => reply({ kind: "stream", lines });
const failure = (error: unknown): unknown => ({ error, report: REPORT });

function text(...chunks: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(ENCODER.encode(chunk));
    },
  });
}

/** A stream without an end. */
function endless(chunk: string): ReadableStream<Uint8Array> {
  const bytes = ENCODER.encode(chunk);
  return new ReadableStream({
    type: "bytes",
    pull: (controller) => controller.enqueue(bytes.slice()),
  });
}

function silent(): ReadableStream<Uint8Array> {
  return new ReadableStream({ type: "bytes", pull: () => new Promise(() => {}) });
}

function cyclic(): unknown {
  const list: unknown[] = [];
  list.push(list);
  return list;
}

function deep(): unknown {
  let nested: unknown[] = [];
  for (let depth = 0; depth < 100_000; depth++) nested = [nested];
  return nested;
}

/** A value as a stream: its JSON after its length. */
function large(json: string, length = json.length): unknown {
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, length, true);
  const bytes = new Uint8Array([...head, ...ENCODER.encode(json)]);
  const body = new ReadableStream({
    type: "bytes",
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
  return reply({ kind: "value", value: { large: body }, form: "one" });
}

/** The right reply of a task, of any other method, and of a run for the cache. */
export const RIGHT = {
  task: value,
  other: reply,
  run: (number: number) => ({ outputs: [floats("y", [1], number)], report: REPORT }),
} as const;

export const REPLIES = {
  undefined: () => undefined,
  null: () => null,
  number: () => 5,
  text: () => "a text",
  "an empty object": () => ({}),
  "a function": () => () => 1,
  "a report that is none": () => ({ value: 1, report: 5 }),
  "a report with texts": () => ({
    value: 1,
    report: { ...REPORT, phasesMs: { infer: "a\r\nb: c" } },
  }),
  "a report with negative times": () => ({
    value: 1,
    report: { ...REPORT, phasesMs: { infer: -1e300 } },
  }),
  "a report of another state": () => ({ value: 1, report: { ...REPORT, state: "constructor" } }),
  "a report of infinite memory": () => ({ value: 1, report: { ...REPORT, usedBytes: Infinity } }),
  "no error": () => failure(null),
  "an error of an unknown code": () => failure({ code: "nope", message: "a" }),
  "an error of an inherited code": () => failure({ code: "constructor", message: "a" }),
  "an error with an object as message": () => failure({ code: "internal", message: {} }),
  "an error of a huge message": () =>
    failure({ code: "inference_failed", message: "a".repeat(20 * MEBIBYTE) }),
  "an error that cannot be JSON": () =>
    failure({ code: "inference_failed", message: "a", details: { a: 1n, b: cyclic() } }),
  "an error with headers": () =>
    failure({
      code: "internal",
      message: "a",
      details: { allow: "a\r\nb: c", retryAfterSeconds: "a\r\nb" },
    }),
  "an error of the Worker": () => failure({ code: "unauthorized", message: "Send the admin key." }),
  "a result of no kind": () => reply({}),
  "a result of another kind": () => reply({ kind: "constructor" }),
  "a result without a value": () => reply({ kind: "value", form: "one" }),
  "a result of another form": () =>
    reply({ kind: "value", value: { value: 1 }, form: "constructor" }),
  "a result with a text as usage": () =>
    reply({ kind: "value", value: { value: 1, isTagged: false }, form: "one", usage: "a" }),
  "a value that contains itself": () => value(cyclic()),
  "a value of a hundred thousand lists": () => value(deep()),
  "a long integer": () => value(1n),
  "a value with functions": () => value({ toJSON: () => "a" }),
  "a tagged value of no tag": () =>
    reply({
      kind: "value",
      form: "one",
      value: { value: new Map([["constructor", 1]]), isTagged: true },
    }),
  "raw JSON that is none": () =>
    reply({
      kind: "value",
      form: "one",
      value: { value: new Map([["raw", '1}, "a": {']]), isTagged: true },
    }),
  "a value that is larger than a message": () => value("a".repeat(40 * MEBIBYTE)),
  "a large value without an end": () =>
    reply({ kind: "value", form: "one", value: { large: endless("a".repeat(65_536)) } }),
  "a large value that is no stream": () =>
    reply({ kind: "value", form: "one", value: { large: 5 } }),
  "a large value that is no JSON": () => large("a"),
  "a large value of another length": () => large("1", 2 ** 31),
  "a large value of no tag": () => large('{"$":["constructor",1]}'),
  "a large value that never comes": () =>
    reply({ kind: "value", form: "one", value: { large: silent() } }),
  "a stream that is none": () => stream("a"),
  "a stream of no JSON": () => stream(text("a\n")),
  "a stream of JSON that is no object": () => stream(text("null\n")),
  "a stream that ends early": () => stream(text('{"part":1}\n{"part"')),
  "a stream with an end that is none": () => stream(text('{"end":{}}\n')),
  "a stream with an error that is none": () =>
    stream(text(`{"error":"a","end":${JSON.stringify(REPORT)}}\n`)),
  "a stream of a part without an end": () => stream(endless("a".repeat(65_536))),
  "a stream that never comes": () => stream(silent()),
} as const;
export type ReplyName = keyof typeof REPLIES;

function floats(name: unknown, shape: unknown, number: number): object {
  return { name, datatype: "FP32", shape, data: new Uint8Array(Float32Array.of(number).buffer) };
}

/** Outputs of a run of a model with the output `y`, FP32 [n]. */
export const TENSORS = {
  right: () => [floats("y", [1], 1)],
  undefined: () => undefined,
  "no list": () => ({ length: 1 }),
  "no output": () => [],
  "two outputs": () => [floats("y", [1], 1), floats("y", [1], 1)],
  "another output": () => [floats("z", [1], 1)],
  "an output that is null": () => [null],
  "too few bytes": () => [floats("y", [1000], 1)],
  "too many bytes": () => [floats("y", [0], 1)],
  "a negative shape": () => [floats("y", [-1, -1], 1)],
  "a shape that is none": () => [floats("y", "1", 1)],
  "a shape of fractions": () => [floats("y", [0.5, 2], 1)],
  "an unknown datatype": () => [{ ...floats("y", [1], 1), datatype: "constructor" }],
  "numbers as strings": () => [{ ...floats("y", [1], 1), datatype: "BYTES", data: [1] }],
  "a text as data": () => [{ ...floats("y", [4], 1), data: "abcd" }],
  "a stream of too few bytes": () => ({
    specs: [{ name: "y", datatype: "FP32", shape: [1], sizeBytes: 4 }],
    body: text("a"),
  }),
  "a stream without an end": () => ({
    specs: [{ name: "y", datatype: "FP32", shape: [1], sizeBytes: 4 }],
    body: endless("a".repeat(65_536)),
  }),
  "a stream of negative lengths": () => ({
    specs: [{ name: "y", datatype: "FP32", shape: [1], sizeBytes: -4 }],
    body: text("abcd"),
  }),
  "a stream without specs": () => ({ specs: null, body: text("abcd") }),
  "no stream": () => ({ specs: [], body: "abcd" }),
} as const;
export type TensorsName = keyof typeof TENSORS;
