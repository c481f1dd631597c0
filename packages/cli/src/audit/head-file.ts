import { readFileSync, renameSync, writeFileSync } from "node:fs";
import * as z from "zod";
import type { AuditHead } from "../../../../src/domain/audit/audit-entry.ts";
import { explain, usageError } from "../cli-error.ts";

/** A head that was kept: of the audit log of one server. */
const headSchema = z.looseObject({
  url: z.string().optional(),
  seq: z.int().min(0),
  hash: z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits"),
});

export interface KeptHead extends AuditHead {
  readonly url?: string | undefined;
}

/** @throws CliError for a file that cannot be read, or is none */
export function readHeadFile(path: string): KeptHead {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw usageError(
      `${path} can't be read: ${explain(error)}`,
      "onnxflare audit verify --save-head FILE makes one",
    );
  }
  const parsed = headSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw usageError(
    `${path} is no head of an audit log: ${z.prettifyError(parsed.error).replaceAll(/\s*\n\s*/g, " ")}`,
  );
}

/** Replaces the file as a whole: half a head would be none. */
export function writeHeadFile(path: string, head: Required<KeptHead>): void {
  try {
    const temporary = `${path}.${process.pid}.tmp`;
    writeFileSync(temporary, `${JSON.stringify(head, null, 2)}\n`);
    renameSync(temporary, path);
  } catch (error) {
    throw usageError(`${path} can't be written: ${explain(error)}`);
  }
}
