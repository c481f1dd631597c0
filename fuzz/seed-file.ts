import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "./findings.ts";
import type { FuzzRequest } from "./http/request.ts";

/** A finding in a file, to be sent again at the beginning of each run. */
export interface Seed {
  readonly kind: string;
  readonly cause: string;
  readonly requests: readonly FuzzRequest[];
}

interface StoredRequest extends Omit<FuzzRequest, "body"> {
  readonly bodyBase64?: string;
}

/** Files stay small enough to be committed. */
const MOST_BYTES = 256 * 1024;

/** Reads the seeds of a folder, sorted by name. */
export function readSeeds(folder: string): Seed[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => {
      const { kind, cause, requests } = JSON.parse(readFileSync(join(folder, file), "utf8")) as {
        kind: string;
        cause: string;
        requests: StoredRequest[];
      };
      return { kind, cause, requests: requests.map(fromStored) };
    });
}

/** Writes a finding, named by its requests. @returns the file, or `undefined` when it would be too large or has none */
export function writeSeed(folder: string, { kind, cause, requests }: Finding): string | undefined {
  const seed = { kind, cause, requests: requests.map(toStored) };
  const text = `${JSON.stringify(seed, undefined, 2)}\n`;
  if (requests.length === 0 || text.length > MOST_BYTES) return undefined;
  const digest = createHash("sha256").update(JSON.stringify(seed.requests)).digest("hex");
  const file = join(folder, `${kind}-${digest.slice(0, 10)}.json`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, text);
  return file;
}

function toStored({ body, ...request }: FuzzRequest): StoredRequest {
  return body ? { ...request, bodyBase64: Buffer.from(body).toString("base64") } : request;
}

function fromStored({ bodyBase64, ...request }: StoredRequest): FuzzRequest {
  return bodyBase64 === undefined
    ? request
    : { ...request, body: Buffer.from(bodyBase64, "base64") };
}
