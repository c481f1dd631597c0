import { PHASES } from "../../domain/trace.ts";
import { durationHistogram, toSeconds } from "./durations.ts";
import type { MetricFamily, Summary } from "./family.ts";
import { each, ofVersions, one, VERSION_LABELS } from "./samples.ts";

/** Every request, also those that run no model. */
export const REQUEST_FAMILIES: readonly MetricFamily[] = [
  {
    name: "onnxflare_requests_total",
    type: "counter",
    help: "Requests that have ended, by the status of the response and the code of its error.",
    labels: [...VERSION_LABELS, "status", "code"],
    samples: ofVersions(function* ({ outcomes }) {
      for (const [[outcome = ""], count] of each(outcomes)) {
        const [status = "", code = ""] = outcome.split(" ");
        yield [[status, code], count];
      }
    }),
  },
  {
    name: "onnxflare_operations_total",
    type: "counter",
    help: "Requests that have ended, by the id of their operation in the OpenAPI document.",
    labels: [...VERSION_LABELS, "operation"],
    samples: ofVersions(({ operations }) => each(operations)),
  },
  durationHistogram({
    name: "onnxflare_request_duration_seconds",
    help: "Time from a request to the end of its response.",
    of: "total",
  }),
  durationHistogram({
    name: "onnxflare_queue_duration_seconds",
    help: "Time that requests have waited for their admission.",
    of: "queue",
  }),
  {
    name: "onnxflare_phase_duration_seconds",
    type: "summary",
    help: "Time of the phases of requests, which stands still on Cloudflare while the CPU works.",
    labels: [...VERSION_LABELS, "phase"],
    samples: ofVersions(function* ({ durations }) {
      for (const phase of PHASES) {
        const duration = durations[phase];
        if (duration) yield [[phase], toSummary(duration)];
      }
    }),
  },
  {
    name: "onnxflare_received_bytes_total",
    type: "counter",
    help: "Bytes of the bodies of requests.",
    labels: VERSION_LABELS,
    samples: ofVersions(({ bytesIn }) => one(bytesIn)),
  },
  {
    name: "onnxflare_sent_bytes_total",
    type: "counter",
    help: "Bytes of the bodies of responses.",
    labels: VERSION_LABELS,
    samples: ofVersions(({ bytesOut }) => one(bytesOut)),
  },
];

function toSummary({ count, sum }: Summary): Summary {
  return { count, sum: toSeconds(sum) };
}
