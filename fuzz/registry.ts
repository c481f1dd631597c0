import type { FuzzKind } from "./fuzz-kind.ts";
import { admin } from "./kinds/admin.ts";
import { binary } from "./kinds/binary.ts";
import { forms } from "./kinds/forms.ts";
import { headers } from "./kinds/headers.ts";
import { json } from "./kinds/json.ts";
import { leaving } from "./kinds/leaving.ts";
import { media } from "./kinds/media.ts";
import { models } from "./kinds/models.ts";
import { paths } from "./kinds/paths.ts";

/** Every kind of request; the order is that of the table. */
export const KINDS: readonly FuzzKind[] = [
  json,
  binary,
  media,
  forms,
  headers,
  paths,
  admin,
  leaving,
  models,
];
