import type { EntryStore } from "../cache/entry-store.ts";
import type { ResponseCache } from "../cache/response-cache.ts";
import type { Authenticator } from "../domain/access/authenticator.ts";
import type { CpuCosts } from "../domain/access/cpu-costs.ts";
import type { FloodGuard } from "../domain/access/flood-guard.ts";
import type { KeyAuthority } from "../domain/access/key-authority.ts";
import type { Limiter } from "../domain/access/limiter.ts";
import type { Admission } from "../domain/admission.ts";
import type { AlertMethods } from "../domain/alerts/alerts.ts";
import type { AuditRecorder } from "../domain/audit/audit-recorder.ts";
import type { BodyBudget } from "../domain/body-budget.ts";
import type { BucketEncryption } from "../domain/bucket-encryption.ts";
import type { EventLog } from "../domain/event-log.ts";
import type { StatisticsReader } from "../domain/inference-statistics.ts";
import type { Infer, ModelHost } from "../domain/model-host.ts";
import type { AccuracyReader } from "../domain/monitoring/accuracy-report.ts";
import type { DriftReader } from "../domain/monitoring/drift-report.ts";
import type { FeedbackService } from "../domain/monitoring/feedback.ts";
import type { MetricsText } from "../domain/monitoring/metrics-text.ts";
import type { Monitoring } from "../domain/monitoring/monitoring.ts";
import type { Reports } from "../domain/monitoring/report.ts";
import type { EventSink } from "../domain/ports.ts";
import type { Privacy } from "../domain/privacy.ts";
import type { ShadowStatistics } from "../domain/shadow-statistics.ts";
import type { StaticAssets } from "../domain/static-assets.ts";
import type { Subjects } from "../domain/subject.ts";
import type { Tracing } from "../domain/tracing.ts";
import type { DrawAnswer } from "../inference/draw-answer.ts";
import type { Explainer } from "../inference/explaining/explain.ts";
import type { BackgroundMaker } from "../inference/explaining/make-background.ts";
import type { ProfileMaker } from "../inference/profiling/make-profile.ts";
import type { RunTask } from "../inference/run-task.ts";
import type { BackgroundAdministration } from "../registry/backgrounds/background-administration.ts";
import type { Catalog } from "../registry/catalog.ts";
import type { GarbageCollector } from "../registry/collect-garbage.ts";
import type { VersionDeleter } from "../registry/delete-version.ts";
import type { ModelInspector } from "../registry/model-inspector.ts";
import type { ProfileAdministration } from "../registry/profiles/profile-administration.ts";
import type { Publisher } from "../registry/publish.ts";
import type { ModelReadiness } from "../registry/readiness.ts";
import type { Repository } from "../registry/repository.ts";
import type { RoutingAdministration } from "../registry/routing/administration.ts";
import type { Router } from "../registry/routing/router.ts";
import type { CheckServer } from "../registry/server-readiness.ts";
import type { Uploads } from "../registry/uploads.ts";
import type { ScrubSecrets } from "../shared/scrub-secrets.ts";

/** The services that the protocols use. */
export interface Services {
  readonly config: {
    readonly maxBodyBytes: number;
    readonly maxModelBytes: number;
    readonly timeoutMs: number;
    readonly publicPredict: boolean;
    readonly publicMetrics: boolean;
    readonly repositoryControl: "admin" | "open";
    readonly cache: { readonly tiers: readonly string[] };
    /** Origins whose pages may call the API; empty where none but the server's own may. */
    readonly corsOrigins: readonly string[];
  };
  /** The path under which the service is mounted, with which links begin; empty for the root. */
  readonly prefix: string;
  /** The version of onnxflare, for the server metadata. */
  readonly serverVersion: string;
  readonly admission: Admission;
  readonly bodies: BodyBudget;
  readonly catalog: Catalog;
  readonly router: Router;
  readonly routing: RoutingAdministration;
  readonly profiles: ProfileAdministration;
  readonly profileMaker: ProfileMaker;
  readonly backgrounds: BackgroundAdministration;
  readonly backgroundMaker: BackgroundMaker;
  /** `undefined` where nothing is collected. */
  readonly drift: DriftReader | undefined;
  /** Rules, alerts and webhooks; `undefined` without the binding `METRICS`. */
  readonly alerts: AlertMethods | undefined;
  readonly inspector: ModelInspector;
  /** Runs a model once, or reads its outputs from the cache. */
  readonly infer: Infer;
  readonly responseCache: ResponseCache;
  /** `undefined` without the secret PRIVACY_KEY. */
  readonly subjects: Subjects | undefined;
  readonly runTask: RunTask;
  readonly drawAnswer: DrawAnswer;
  readonly explainer: Explainer;
  readonly modelReadiness: ModelReadiness;
  readonly serverReadiness: CheckServer;
  readonly repository: Repository;
  readonly statistics: StatisticsReader;
  readonly cache: Pick<EntryStore, "purge" | "learnPurges" | "refreshPurges">;
  readonly cacheStats: () => object;
  readonly publisher: Publisher;
  /** `undefined` when the bucket is not encrypted. */
  readonly encryption: BucketEncryption | undefined;
  readonly uploads: Uploads;
  /** What was collected of all isolates; `undefined` without the binding `METRICS`. */
  readonly monitoring: Monitoring | undefined;
  /** `undefined` without the binding `METRICS`. */
  readonly feedback: FeedbackService | undefined;
  /** `undefined` without the binding `METRICS`. */
  readonly accuracy: AccuracyReader | undefined;
  readonly audit: AuditRecorder;
  readonly deleter: VersionDeleter;
  readonly garbage: GarbageCollector;
  /** `undefined` without the secret PRIVACY_KEY. */
  readonly privacy: Privacy | undefined;
  /** The daily removal of garbage, which emits an event. @param at in milliseconds since the epoch */
  readonly sweep: (at: number) => Promise<void>;
  readonly authenticator: Authenticator;
  /** Decides on the budgets of API keys; `undefined` without the binding `KEYS`. */
  readonly limiter: Limiter | undefined;
  readonly cpuCosts: CpuCosts;
  /** `undefined` without the binding `RATE_LIMITER`. */
  readonly floodGuard: FloodGuard | undefined;
  /** Knows the API keys; `undefined` without the binding `KEYS`. */
  readonly keyAuthority: KeyAuthority | undefined;
  readonly sink: EventSink;
  readonly tracing: Tracing;
  /** Removes secrets, also the service's own, from what clients get. */
  readonly scrubReply: ScrubSecrets;
  /** The last events of this isolate, and those to come. */
  readonly eventLog: EventLog;
  readonly shadowStatistics: ShadowStatistics;
  /** What is shown of what was collected; `undefined` without the binding `METRICS`. */
  readonly reports: Reports | undefined;
  /** `undefined` without the binding `ASSETS`. */
  readonly assets: StaticAssets | undefined;
  /** The numbers of all isolates, or of this one, for Prometheus. */
  readonly metrics: MetricsText;
  readonly host: Pick<ModelHost, "stats">;
}
