import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What becomes of a request on its way: it passes, or the proxy does something else with it. */
export type Intercept = (request: IncomingMessage, response: ServerResponse) => "pass" | "taken";

export interface ProxyServer {
  readonly url: string;
  /** `METHOD path` of each request, without its query. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** A server between a client and another server, by which a connection fails as networks do. */
export async function startProxy(target: string, intercept: Intercept): Promise<ProxyServer> {
  const requests: string[] = [];
  const server = createServer((incoming, outgoing) => {
    requests.push(`${incoming.method} ${incoming.url?.split("?", 1)[0]}`);
    incoming.on("error", () => undefined);
    if (intercept(incoming, outgoing) === "taken") return;
    const { method, headers, url = "/" } = incoming;
    const forwarded = request(`${target}${url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on("error", () => outgoing.destroy());
    // A client that has gone leaves half a request behind.
    incoming.once("close", () => incoming.complete || forwarded.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
