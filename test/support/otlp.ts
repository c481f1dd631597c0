import { readFileSync } from "node:fs";
import protobuf from "protobufjs";
import descriptor from "protobufjs/ext/descriptor/index.js";
import { projectPath } from "../../scripts/project.ts";

/**
 * Reads what is exported by the OpenTelemetry Protocol as a receiver does: by the Protocol Buffers of the package opentelemetry-proto
 * (recipes/otlp_fixtures.py), in the JSON that the protocol defines. A field or a form that these do not have is an error.
 */

/** Of a span or a log record, with its attributes as an object. */
export type OtlpRecord = Readonly<Record<string, unknown>> & {
  readonly attributes: Readonly<Record<string, unknown>>;
};

export interface OtlpBatch {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: Readonly<Record<string, unknown>>;
  readonly records: readonly OtlpRecord[];
}

const file = projectPath("test", "fixtures", "opentelemetry", "services.desc");
const root = (
  protobuf.Root as unknown as { fromDescriptor(set: protobuf.Message): protobuf.Root }
).fromDescriptor(descriptor.FileDescriptorSet.decode(readFileSync(file)));

const REQUESTS = {
  traces: "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest",
  logs: "opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest",
} as const;

/** @throws Error for what is no request of the protocol */
export function readOtlp(signal: keyof typeof REQUESTS, body: string): OtlpBatch {
  const message = readMessage(root.lookupType(REQUESTS[signal]), JSON.parse(body), signal);
  const [resources, scopes, records] =
    signal === "traces"
      ? ["resourceSpans", "scopeSpans", "spans"]
      : ["resourceLogs", "scopeLogs", "logRecords"];
  const [group = {}] = message[resources as string] as Record<string, unknown>[];
  const [scoped = {}] = group[scopes as string] as Record<string, unknown>[];
  const { attributes } = group.resource as { attributes: Record<string, unknown> };
  return {
    resource: attributes,
    scope: scoped.scope as Record<string, unknown>,
    records: scoped[records as string] as OtlpRecord[],
  };
}

function readMessage(type: protobuf.Type, value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`${path} is no ${type.name}`);
  const fields = new Map(type.fieldsArray.map((field) => [toCamelCase(field.name), field]));
  const read: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    const field = fields.get(name);
    if (!field) throw new Error(`${path}.${name} is no field of ${type.name}`);
    const items = field.repeated ? (item as unknown[]) : [item];
    const results = items.map((each) => readField(field, each, `${path}.${name}`));
    read[name] = field.repeated ? toAttributes(field, results) : results[0];
  }
  return read;
}

/** A list of `KeyValue` as an object. */
function toAttributes(field: protobuf.Field, results: readonly unknown[]): unknown {
  if (field.resolve().resolvedType?.name !== "KeyValue") return results;
  const pairs = results as { readonly key: string; readonly value: Record<string, unknown> }[];
  if (new Set(pairs.map(({ key }) => key)).size < pairs.length)
    throw new Error(`${field.name} has a key twice`);
  return Object.fromEntries(pairs.map(({ key, value }) => [key, toPlain(value)]));
}

/** An `AnyValue`. */
function toPlain(any: Readonly<Record<string, unknown>>): unknown {
  const [[kind, value] = [], ...others] = Object.entries(any);
  if (kind === undefined || others.length > 0) throw new Error("an AnyValue has one value");
  if (kind === "intValue") return Number(value);
  if (kind !== "arrayValue") return value;
  return (value as { values: Record<string, unknown>[] }).values.map(toPlain);
}

const DECIMAL = /^-?\d+$/;
/** Bytes are ids, which the protocol has in hexadecimal instead of base64. */
const HEXADECIMAL = /^(?:[0-9a-f]{16}|[0-9a-f]{32})$/;

function readField(field: protobuf.Field, value: unknown, path: string): unknown {
  const { resolvedType } = field.resolve();
  if (resolvedType instanceof protobuf.Type) return readMessage(resolvedType, value, path);
  if (!isScalar(resolvedType ? "enum" : field.type, value))
    throw new Error(`${path} is no ${field.type}: ${JSON.stringify(value)}`);
  return value;
}

function isScalar(type: string, value: unknown): boolean {
  switch (type) {
    case "string":
      return typeof value === "string";
    case "bool":
      return typeof value === "boolean";
    case "double":
      return typeof value === "number";
    case "bytes":
      return typeof value === "string" && HEXADECIMAL.test(value);
    case "fixed64":
    case "int64":
    case "sfixed64":
      return typeof value === "string" && DECIMAL.test(value);
    default:
      // Enumerations are numbers, and so are integers of 32 bits.
      return Number.isInteger(value);
  }
}

function toCamelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
