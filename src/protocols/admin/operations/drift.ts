import { ApiError } from "../../../domain/errors.ts";
import {
  MAX_WINDOW_ROWS,
  MAX_WINDOW_SECONDS,
  MIN_WINDOW_ROWS,
  MIN_WINDOW_SECONDS,
} from "../../../domain/monitoring/drift-fields.ts";
import type { DriftReport } from "../../../domain/monitoring/drift-report.ts";
import { respond } from "../../../http/respond.ts";
import { RESOLVE_MODEL } from "../../error-groups.ts";
import type { Operation } from "../../operation.ts";
import { parseCount } from "../parse-query.ts";
import { json } from "../schemas.ts";
import { parseVersionPath, VERSION } from "../version-path.ts";

export const DRIFT_OPERATIONS: readonly Operation[] = [
  {
    ...VERSION,
    id: "getDrift",
    method: "get",
    path: "/models/{model}/versions/{version}/drift",
    access: "metrics",
    summary: "Compare the requests of a version with its reference profile",
    description:
      "The requests of the last day are put together to windows of at least `rows` rows and `seconds` seconds; where that gives no two of them, those of almost 35 days, or of as long as the deployment keeps minutes and hours. Each feature of a window is compared with the reference. The last few seconds of requests are not in it yet.",
    parameters: ["rowsOfWindow", "secondsOfWindow"],
    responses: {
      200: { description: "The windows, the newest one first.", content: json("DriftReport") },
    },
    errors: [...RESOLVE_MODEL, "invalid_request", "not_supported", "monitoring_unavailable"],
    handler:
      ({ catalog, drift }) =>
      async (c) => {
        const id = parseVersionPath(c);
        const minRows = parseCount("rows", c.req.query("rows"), MIN_WINDOW_ROWS, MAX_WINDOW_ROWS);
        const minSeconds = parseCount(
          "seconds",
          c.req.query("seconds"),
          MIN_WINDOW_SECONDS,
          MAX_WINDOW_SECONDS,
        );
        if (!drift)
          throw new ApiError(
            "not_supported",
            "Requests are not collected: the Worker has no binding METRICS.",
          );
        await catalog.resolve(id.name, id.version);
        const report = await drift.report(id, {
          ...(minRows !== undefined && { minRows }),
          ...(minSeconds !== undefined && { minSeconds }),
        });
        return respond(c, JSON.stringify(toResponse(report)));
      },
  },
];

function toResponse({ windows, ...report }: DriftReport) {
  const toTime = (at: number): string => new Date(at).toISOString();
  return {
    ...report,
    windows: windows.map((window) => ({
      ...window,
      start: toTime(window.start),
      end: toTime(window.end),
    })),
  };
}
