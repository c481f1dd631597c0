import { projectPath } from "../scripts/project.ts";
import { runNode } from "./child-process.ts";

/** POSTs of several bodies in turn; each connection has bodies of its own, as long as there are enough. */
export interface VariedLoad {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodies: readonly Uint8Array[];
  readonly connections: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface VariedLoadResult {
  readonly requests: number;
  /** Those of the warm-up as well. */
  readonly allRequests: number;
  readonly perSecond: number;
  /** Microseconds from a request to the end of its answer. */
  readonly latencyUs: { readonly p50: number; readonly p99: number };
}

/** What the program behind {@link applyVariedLoad} reads. */
export interface VariedLoadProgram extends Omit<VariedLoad, "url" | "bodies"> {
  readonly url: string;
  readonly bodiesBase64: readonly string[];
}

/**
 * Keeps the connections busy from a process of its own.
 * @throws Error when any request failed, also in the warm-up
 */
export async function applyVariedLoad({
  url,
  bodies,
  ...load
}: VariedLoad): Promise<VariedLoadResult> {
  const bodiesBase64 = bodies.map((body) => Buffer.from(body).toString("base64"));
  const input: VariedLoadProgram = { ...load, url: url.href, bodiesBase64 };
  const program = projectPath("bench", "varied-load-program.ts");
  return JSON.parse(await runNode([program], { input: JSON.stringify(input) })) as VariedLoadResult;
}
