import { ApiError } from "../../../domain/errors.ts";
import type { Operation } from "../../operation.ts";

/** Triton's extensions that need a machine of one's own. Their routes say so, instead of that they do not exist. */

const SEND_DATA = "Send tensors in the request, as JSON or as binary data.";
const SEE_EVENTS =
  "Each request writes an event to the Worker's log, and `server-timing` has its phases.";

interface Unsupported {
  /** Begins the operations' ids. */
  readonly id: string;
  readonly what: string;
  readonly instead: string;
  readonly get: readonly string[];
  readonly post: readonly string[];
}

const EXTENSIONS: readonly Unsupported[] = [
  ...(["system", "cuda"] as const).map((kind) => ({
    id: `${kind}SharedMemory`,
    what: kind === "cuda" ? "CUDA shared memory" : "System shared memory",
    instead: SEND_DATA,
    get: [`/${kind}sharedmemory/status`, `/${kind}sharedmemory/region/{region}/status`],
    post: [
      `/${kind}sharedmemory/region/{region}/register`,
      `/${kind}sharedmemory/region/{region}/unregister`,
      `/${kind}sharedmemory/unregister`,
    ],
  })),
  {
    id: "traceSetting",
    what: "Tracing by Triton's settings",
    instead: SEE_EVENTS,
    get: ["/trace/setting", "/models/{model}/trace/setting"],
    post: ["/trace/setting", "/models/{model}/trace/setting"],
  },
  {
    id: "logging",
    what: "Logging by Triton's settings",
    instead: SEE_EVENTS,
    get: ["/logging"],
    post: ["/logging"],
  },
];

export const UNSUPPORTED_OPERATIONS: readonly Operation[] = EXTENSIONS.flatMap((extension) =>
  (["get", "post"] as const).flatMap((method) =>
    extension[method].map((path) => toOperation(extension, method, path)),
  ),
);

function toOperation(
  { id, what, instead }: Unsupported,
  method: "get" | "post",
  path: string,
): Operation {
  const part = path.split("/").filter((name) => name !== "" && !name.startsWith("{"));
  return {
    id: [id, method, ...part].join("_"),
    kind: "metadata",
    method,
    path,
    access: "public",
    tag: "Server",
    summary: `${what}: not supported`,
    description: instead,
    responses: {},
    errors: ["not_supported"],
    handler: () => () => {
      throw new ApiError("not_supported", `${what} is not supported by this server. ${instead}`);
    },
  };
}
