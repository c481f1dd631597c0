import type { AuditAuthority } from "../../../domain/audit/audit-authority.ts";
import { ApiError } from "../../../domain/errors.ts";
import { authorizeAllModels } from "../../../http/authenticate.ts";
import { respond } from "../../../http/respond.ts";
import type { Operation } from "../../operation.ts";
import type { Services } from "../../services.ts";
import { parseAuditQuery } from "../audit-query.ts";
import { json } from "../schemas.ts";

const READ = {
  kind: "admin",
  method: "get",
  access: "admin",
  tag: "Administration",
  errors: ["not_supported", "authority_unavailable"],
} as const satisfies Partial<Operation>;

export const AUDIT_OPERATIONS: readonly Operation[] = [
  {
    ...READ,
    id: "readAudit",
    path: "/audit",
    summary: "Read the audit log",
    description:
      "Every change by administrators: who changed what, before and after. No entry is ever removed or changed; each has the hash of the previous one, so that it would be found. Newest first, or with `after` in the order of the chain. A page may have fewer entries than `limit`; while the response has `next`, there are more.",
    parameters: [
      "audit-after",
      "audit-before",
      "audit-limit",
      "audit-operation",
      "audit-by",
      "audit-model",
      "audit-key",
      "audit-request",
    ],
    responses: { 200: { description: "The entries.", content: json("AuditPage") } },
    errors: [...READ.errors, "invalid_request"],
    handler: (services) => async (c) => {
      authorizeAllModels(c);
      const query = parseAuditQuery(c.req.query());
      return respond(c, JSON.stringify(await authorityOf(services).readAudit(query)));
    },
  },
  {
    ...READ,
    id: "getAuditHead",
    path: "/audit/head",
    summary: "Get the last entry of the audit log",
    description:
      "Its number and hash. Kept elsewhere, they show later whether entries up to it were changed or removed.",
    responses: { 200: { description: "The head.", content: json("AuditHead") } },
    handler: (services) => async (c) => {
      authorizeAllModels(c);
      return respond(c, JSON.stringify(await authorityOf(services).auditHead()));
    },
  },
];

/** @throws ApiError `not_supported` */
function authorityOf({ keyAuthority }: Services): AuditAuthority {
  if (keyAuthority) return keyAuthority;
  throw new ApiError(
    "not_supported",
    "There is no audit log: the Durable Object binding KEYS is missing. Changes are events only.",
  );
}
