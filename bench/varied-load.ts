import { projectPath } from "../scripts/project.ts";
import { runNode } from "./child-process.ts";

/** POSTs of several bodies in rotation; the bodies are divided among the connections when there are enough. */
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
  /** The warm-up included. */
  readonly allRequests: number;
  readonly perSecond: number;
  /** Microseconds from a request to the end of its response. */
  readonly latencyUs: { readonly p50: number; readonly p99: number };
}

/** The input of the program behind {@link applyVariedLoad}. */
export interface VariedLoadInput extends Omit<VariedLoad, "url" | "bodies"> {
  readonly url: string;
  readonly bodiesBase64: readonly string[];
}

/**
 * Sends requests on all connections from a separate process.
 * @throws Error when a request fails, in the warm-up too
 */
export async function applyVariedLoad({
  url,
  bodies,
  ...load
}: VariedLoad): Promise<VariedLoadResult> {
  const bodiesBase64 = bodies.map((body) => Buffer.from(body).toString("base64"));
  const input: VariedLoadInput = { ...load, url: url.href, bodiesBase64 };
  const program = projectPath("bench", "varied-load-process.ts");
  return JSON.parse(await runNode([program], { input: JSON.stringify(input) })) as VariedLoadResult;
}
