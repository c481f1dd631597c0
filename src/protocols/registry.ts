import { ADMIN_PROTOCOL } from "./admin/protocol.ts";
import { DASHBOARD_PROTOCOL } from "./dashboard/protocol.ts";
import { createDocsProtocol } from "./docs/protocol.ts";
import { KSERVE_PROTOCOL } from "./kserve/protocol.ts";
import { METRICS_PROTOCOL } from "./metrics/protocol.ts";
import { OPEN_INFERENCE_PROTOCOL } from "./oip/protocol.ts";
import { OPENAI_PROTOCOL } from "./openai/protocol.ts";
import type { Protocol } from "./protocol.ts";
import { TASK_PROTOCOL } from "./task/protocol.ts";

const DOCUMENTED: readonly Protocol[] = [
  TASK_PROTOCOL,
  OPEN_INFERENCE_PROTOCOL,
  OPENAI_PROTOCOL,
  KSERVE_PROTOCOL,
  ADMIN_PROTOCOL,
  METRICS_PROTOCOL,
  DASHBOARD_PROTOCOL,
];

/** Every protocol of the Worker, in the order of the documentation. */
export const PROTOCOLS: readonly Protocol[] = [...DOCUMENTED, createDocsProtocol(DOCUMENTED)];
