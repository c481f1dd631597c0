import type { Admission } from "../domain/admission.ts";
import type { StatisticsReader } from "../domain/inference-statistics.ts";
import type { EventSink, RuntimeStats } from "../domain/ports.ts";
import type { Catalog } from "../services/catalog.ts";
import type { FinishedAnswers } from "../services/finished-answers.ts";
import type { Predict } from "../services/predict.ts";
import type { PredictionCache } from "../services/prediction-cache.ts";
import type { Publisher } from "../services/publish.ts";
import type { Readiness } from "../services/readiness.ts";
import type { Repository } from "../services/repository.ts";
import type { TaskPredict } from "../services/task-predict.ts";

/** What the routes call. */
export interface RouteDeps {
  readonly config: {
    readonly maxBodyBytes: number;
    readonly maxModelBytes: number;
    readonly adminKey: string | undefined;
    readonly repositoryControl: "admin" | "open";
  };
  /** Of this program, for the server metadata. */
  readonly serverVersion: string;
  readonly admission: Admission;
  readonly catalog: Catalog;
  readonly predict: Predict;
  readonly finishedAnswers: FinishedAnswers;
  readonly taskPredict: TaskPredict;
  readonly readiness: Readiness;
  readonly repository: Repository;
  readonly statistics: StatisticsReader;
  readonly cache: Pick<PredictionCache, "purge">;
  readonly cacheStats: () => object;
  readonly publisher: Publisher;
  readonly sink: EventSink;
  readonly runtimeStats: () => RuntimeStats;
}
