import { PROBLEM_ERRORS, renderProblem } from "../problem-errors.ts";
import type { Protocol } from "../protocol.ts";
import { ACCURACY_OPERATIONS } from "./operations/accuracy.ts";
import { ALERT_OPERATIONS } from "./operations/alerts.ts";
import { ALIAS_OPERATIONS } from "./operations/aliases.ts";
import { AUDIT_OPERATIONS } from "./operations/audit.ts";
import { BACKGROUND_OPERATIONS } from "./operations/backgrounds.ts";
import { CACHE_OPERATIONS } from "./operations/cache.ts";
import { DELETION_OPERATIONS } from "./operations/deletion.ts";
import { DRIFT_OPERATIONS } from "./operations/drift.ts";
import { ENCRYPTION_OPERATIONS } from "./operations/encryption.ts";
import { EVENT_OPERATIONS } from "./operations/events.ts";
import { GARBAGE_OPERATIONS } from "./operations/garbage.ts";
import { INSPECTION_OPERATIONS } from "./operations/inspection.ts";
import { KEY_OPERATIONS } from "./operations/keys.ts";
import { MONITORING_OPERATIONS } from "./operations/monitoring.ts";
import { PRIVACY_OPERATIONS } from "./operations/privacy.ts";
import { PROFILE_OPERATIONS } from "./operations/profiles.ts";
import { PUBLICATION_OPERATIONS } from "./operations/publication.ts";
import { ROUTING_OPERATIONS } from "./operations/routing.ts";
import { SESSION_OPERATIONS } from "./operations/sessions.ts";
import { SHADOW_OPERATIONS } from "./operations/shadow.ts";
import { UPLOAD_OPERATIONS } from "./operations/uploads.ts";
import { VERSION_OPERATIONS } from "./operations/versions.ts";
import { WEBHOOK_OPERATIONS } from "./operations/webhooks.ts";
import { SCHEMAS } from "./schemas.ts";

/** Administration: publishing, routing, deletion, statistics and the cache. */
export const ADMIN_PROTOCOL: Protocol = {
  name: "admin",
  basePath: "/admin",
  isAdmin: true,
  operations: [
    ...INSPECTION_OPERATIONS,
    ...ROUTING_OPERATIONS,
    ...ALIAS_OPERATIONS,
    ...KEY_OPERATIONS,
    ...EVENT_OPERATIONS,
    ...PROFILE_OPERATIONS,
    ...BACKGROUND_OPERATIONS,
    ...DRIFT_OPERATIONS,
    ...MONITORING_OPERATIONS,
    ...SHADOW_OPERATIONS,
    ...ACCURACY_OPERATIONS,
    ...CACHE_OPERATIONS,
    ...ENCRYPTION_OPERATIONS,
    ...VERSION_OPERATIONS,
    ...UPLOAD_OPERATIONS,
    ...PUBLICATION_OPERATIONS,
    ...DELETION_OPERATIONS,
    ...GARBAGE_OPERATIONS,
    ...ALERT_OPERATIONS,
    ...WEBHOOK_OPERATIONS,
    ...AUDIT_OPERATIONS,
    ...SESSION_OPERATIONS,
    ...PRIVACY_OPERATIONS,
  ],
  schemas: SCHEMAS,
  renderError: renderProblem,
  errors: PROBLEM_ERRORS,
};
