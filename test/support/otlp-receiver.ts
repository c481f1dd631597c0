import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { type OtlpRecord, readOtlp } from "./otlp.ts";

/** An endpoint of the OpenTelemetry Protocol over HTTP, which reads what it gets as strictly as the protocol has it. */
export interface OtlpReceiver {
  readonly endpoint: string;
  readonly spans: readonly OtlpRecord[];
  readonly logs: readonly OtlpRecord[];
  readonly headers: readonly IncomingHttpHeaders[];
  /** `service.name` of each batch. */
  readonly services: readonly unknown[];
  /** What could not be read. */
  readonly problems: readonly string[];
  close(): Promise<void>;
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: OtlpRecord[] = [];
  const logs: OtlpRecord[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const services: unknown[] = [];
  const problems: string[] = [];
  const server = createServer(async (request, response) => {
    try {
      const body = Buffer.concat(await request.toArray()).toString();
      headers.push(request.headers);
      const signal = request.url === "/v1/traces" ? "traces" : "logs";
      const { resource, records } = readOtlp(signal, body);
      (signal === "traces" ? spans : logs).push(...records);
      services.push(resource["service.name"]);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    } catch (error) {
      problems.push(String(error));
      response.writeHead(400).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    spans,
    logs,
    headers,
    services,
    problems,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}
