import { keyFieldsSchema, keyPatchSchema } from "../../domain/access/key-schema.ts";
import { webhookFieldsSchema } from "../../domain/alerts/webhook.ts";
import { backgroundSchema } from "../../domain/explanation/background.ts";
import { jsonValueSchema, manifestSchema } from "../../domain/manifest.ts";
import { referenceProfileSchema } from "../../domain/monitoring/reference-profile.ts";
import { jsonContent } from "../openapi/schema-reference.ts";
import { PROBLEM_SCHEMAS } from "../problem-errors.ts";
import { accuracySchema, canariesSchema } from "./accuracy-response.ts";
import {
  putRulesRequestSchema,
  rotateWebhookRequestSchema,
  testWebhooksRequestSchema,
} from "./alert-request.ts";
import {
  alertRulesSchema,
  alertsSchema,
  deliveriesSchema,
  issuedWebhookSchema,
  retriedSchema,
  webhookSchema,
  webhooksSchema,
} from "./alert-response.ts";
import { auditHeadSchema, auditPageSchema } from "./audit-response.ts";
import { backgroundRowsSchema } from "./background-request.ts";
import {
  deletedBackgroundSchema,
  keptBackgroundSchema,
  knownBackgroundSchema,
} from "./background-response.ts";
import { dataRequestSchema } from "./data-request.ts";
import { dataExportSchema, erasureSchema } from "./data-response.ts";
import {
  deletedProfileSchema,
  driftReportSchema,
  profileResponseSchema,
} from "./drift-response.ts";
import { encryptionRequestSchema } from "./encryption-request.ts";
import { collectGarbageRequestSchema } from "./garbage-request.ts";
import { collectedGarbageSchema, garbageSchema } from "./garbage-response.ts";
import { rotateKeyRequestSchema } from "./key-request.ts";
import { createdKeySchema, keyPageSchema, keySchema } from "./key-response.ts";
import { histogramsSchema, overviewSchema, seriesSchema } from "./monitoring-response.ts";
import { exampleDataSchema } from "./profile-request.ts";
import { publishBodySchema } from "./publish-body.ts";
import { purgeRequestSchema } from "./purge-request.ts";
import {
  cacheStatsSchema,
  deletedUploadsSchema,
  encryptionProgressSchema,
  preparedVersionSchema,
  publicationSchema,
  publishedVersionsSchema,
  purgeSummarySchema,
  runtimeStatsSchema,
  shadowStatsSchema,
  uploadedFileSchema,
  uploadedFilesSchema,
} from "./response-schema.ts";
import {
  changeRequestSchema,
  deleteVersionRequestSchema,
  rollbackRequestSchema,
  setAliasRequestSchema,
  setShadowRequestSchema,
} from "./routing-request.ts";
import {
  deletedVersionSchema,
  historyEntryResponseSchema,
  modelDetailsSchema,
  routeResponseSchema,
  routingHistorySchema,
  routingStateSchema,
  versionDetailsSchema,
} from "./routing-response.ts";
import { endedSessionSchema, sessionSchema } from "./session-response.ts";

export const SCHEMAS = {
  requests: {
    CreateKeyRequest: keyFieldsSchema,
    ChangeKeyRequest: keyPatchSchema,
    RotateKeyRequest: rotateKeyRequestSchema,
    DataRequest: dataRequestSchema,
    EncryptionRequest: encryptionRequestSchema,
    PublishRequest: publishBodySchema,
    DeleteVersionRequest: deleteVersionRequestSchema,
    CollectGarbageRequest: collectGarbageRequestSchema,
    PurgeRequest: purgeRequestSchema,
    RollbackRequest: rollbackRequestSchema,
    BackgroundRows: backgroundRowsSchema,
    Background: backgroundSchema,
    ExampleData: exampleDataSchema,
    ReferenceProfile: referenceProfileSchema,
    RoutingChangeRequest: changeRequestSchema,
    SetAliasRequest: setAliasRequestSchema,
    SetShadowRequest: setShadowRequestSchema,
    PutAlertRulesRequest: putRulesRequestSchema,
    PutWebhookRequest: webhookFieldsSchema,
    RotateWebhookRequest: rotateWebhookRequestSchema,
    TestWebhooksRequest: testWebhooksRequestSchema,
  },
  responses: {
    Accuracy: accuracySchema,
    AlertRules: alertRulesSchema,
    Alerts: alertsSchema,
    Deliveries: deliveriesSchema,
    IssuedWebhook: issuedWebhookSchema,
    RetriedDeliveries: retriedSchema,
    Webhook: webhookSchema,
    Webhooks: webhooksSchema,
    AuditHead: auditHeadSchema,
    AuditPage: auditPageSchema,
    ApiKey: keySchema,
    ApiKeys: keyPageSchema,
    Canaries: canariesSchema,
    CacheStatistics: cacheStatsSchema,
    CollectedGarbage: collectedGarbageSchema,
    CreatedKey: createdKeySchema,
    DeletedVersion: deletedVersionSchema,
    DeletedBackground: deletedBackgroundSchema,
    KeptBackground: keptBackgroundSchema,
    KnownBackground: knownBackgroundSchema,
    DeletedProfile: deletedProfileSchema,
    DriftReport: driftReportSchema,
    DataExport: dataExportSchema,
    Erasure: erasureSchema,
    EncryptionProgress: encryptionProgressSchema,
    Garbage: garbageSchema,
    Histograms: histogramsSchema,
    JsonValue: jsonValueSchema,
    Manifest: manifestSchema,
    ModelDetails: modelDetailsSchema,
    Profile: profileResponseSchema,
    MonitoringOverview: overviewSchema,
    MonitoringSeries: seriesSchema,
    PublishedVersions: publishedVersionsSchema,
    PurgeSummary: purgeSummarySchema,
    Route: routeResponseSchema,
    RoutingChange: historyEntryResponseSchema,
    RoutingHistory: routingHistorySchema,
    RoutingState: routingStateSchema,
    RuntimeStatistics: runtimeStatsSchema,
    ShadowStatistics: shadowStatsSchema,
    DeletedUploads: deletedUploadsSchema,
    EndedSession: endedSessionSchema,
    PreparedVersion: preparedVersionSchema,
    Session: sessionSchema,
    PublishedVersion: publicationSchema,
    VersionDetails: versionDetailsSchema,
    UploadedFile: uploadedFileSchema,
    UploadedFiles: uploadedFilesSchema,
    ...PROBLEM_SCHEMAS,
  },
} as const;

export const json = jsonContent(SCHEMAS);
