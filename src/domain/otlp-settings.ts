import * as z from "zod";
import { quote } from "../shared/quote.ts";
import { parsedBy } from "./parsed-setting.ts";

/** Where events are exported to, by the OpenTelemetry Protocol. */
export interface OtlpSettings {
  /** Without a slash at its end: `/v1/traces` and `/v1/logs` follow. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
}

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
/** What HTTP allows in the value of a header. */
const FIELD_VALUE = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/;

/**
 * Headers as `OTEL_EXPORTER_OTLP_HEADERS` has them (https://opentelemetry.io/docs/specs/otel/protocol/exporter/): `name=value` with
 * commas in between, percent-encoded.
 * @throws Error that names the header, and nothing of its value
 */
export function parseOtlpHeaders(text: string): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  const pairs = text.split(",").map((pair) => pair.trim());
  for (const [index, pair] of pairs.entries()) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = pair.slice(0, Math.max(equals, 0)).trim().toLowerCase();
    // Without a name, the whole may be the secret.
    if (equals <= 0 || !TOKEN.test(name))
      throw new Error(
        `header ${index + 1} is not name=value, such as authorization=Bearer%20secret`,
      );
    const value = decode(pair.slice(equals + 1).trim());
    if (value === undefined || !FIELD_VALUE.test(value))
      throw new Error(
        `the value of ${quote(name)} is no value of a header: printable ASCII characters, percent-encoded`,
      );
    headers[name] = value;
  }
  return Object.freeze(headers);
}

/** Shorter values of headers are names of tenants and the like. */
const MIN_SECRET_LENGTH = 16;

/** What may be a secret in the setting, which need not be valid: values of headers, with a scheme such as `Bearer` and without. */
export function readOtlpSecrets(setting: unknown): string[] {
  if (typeof setting !== "string") return [];
  return setting
    .split(",")
    .map((pair) => pair.slice(pair.indexOf("=") + 1).trim())
    .flatMap((value) => [value, decode(value) ?? ""])
    .flatMap((value) => [value, value.slice(value.indexOf(" ") + 1)])
    .filter(({ length }) => length >= MIN_SECRET_LENGTH);
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** @throws Error that says what an endpoint is */
export function parseOtlpEndpoint(text: string): string | undefined {
  if (text.trim() === "") return undefined;
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new Error("must be an http or https URL, such as https://otlp.example.com");
  if (url.username !== "" || url.password !== "")
    throw new Error("must not have a password: secrets are headers, in OTLP_HEADERS");
  if (url.search !== "" || url.hash !== "")
    throw new Error("must have no query and no fragment: /v1/traces and /v1/logs are added to it");
  return url.href.replace(/\/+$/, "");
}

export const OTLP_FIELDS = {
  /** The endpoint of the OpenTelemetry Protocol over HTTP to which events are exported, such as "https://otlp.example.com". */
  OTLP_ENDPOINT: z.string().max(2048).default("").transform(parsedBy(parseOtlpEndpoint)),
  /** A secret: headers of these requests, `name=value` with commas in between, percent-encoded. */
  OTLP_HEADERS: z.string().max(8192).default("").transform(parsedBy(parseOtlpHeaders)),
  /** `service.name` of what is exported. */
  OTLP_SERVICE_NAME: z.string().min(1).max(255).default("onnxflare"),
};

/** `undefined` without an endpoint. */
export function toOtlpSettings(
  settings: {
    readonly [Name in keyof typeof OTLP_FIELDS]: z.output<(typeof OTLP_FIELDS)[Name]>;
  },
): OtlpSettings | undefined {
  const { OTLP_ENDPOINT: endpoint, OTLP_HEADERS: headers, OTLP_SERVICE_NAME } = settings;
  if (endpoint === undefined) return undefined;
  return Object.freeze({ endpoint, headers, serviceName: OTLP_SERVICE_NAME });
}
