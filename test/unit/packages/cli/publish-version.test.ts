import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { CommandContext } from "../../../../packages/cli/src/context.ts";
import { publishVersion } from "../../../../packages/cli/src/push/publish-version.ts";
import type { HashedFile } from "../../../../packages/cli/src/push/upload-files.ts";
import { createServerClient } from "../../../../packages/cli/src/server/server-client.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

const SHA256 = "0".repeat(64);
const MANIFEST = {
  name: "m",
  version: "2",
  format: "onnx",
  file: "f/model.onnx",
  files: [{ path: "f/model.onnx", sha256: SHA256, sizeBytes: 1 }],
};
const FILES: readonly HashedFile[] = [
  { path: "model.onnx", file: "/model.onnx", sizeBytes: 1, sha256: SHA256 },
];

/** A server that publishes, and fails before it has changed the alias. */
async function serveHalfPublication(aliasStatus: number) {
  const requests: { readonly line: string; readonly body: unknown }[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    requests.push({
      line: `${request.method} ${request.url}`,
      body: body === "" ? undefined : JSON.parse(body),
    });
    if (request.method === "POST") response.writeHead(503).end('{"code": "storage_failed"}');
    else if (request.method === "GET") response.end(JSON.stringify({ manifest: MANIFEST }));
    else response.writeHead(aliasStatus).end("{}");
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { requests, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function contextOf(url: string): CommandContext {
  const settings = {
    url,
    isLocal: true,
    urlFile: undefined,
    key: "k",
    isKeyGiven: true,
    retries: 1,
    json: false,
  };
  const { signal } = new AbortController();
  const output = { note: () => undefined } as unknown as CommandContext["output"];
  const server = createServerClient({ settings, signal, onRetry: () => undefined });
  return { settings, signal, output, server };
}

const ID = { name: "m", version: "2" };
const REQUEST = { alias: "canary", actor: "ada", note: "why" };

test("a publication that is found after a failure gets its alias", async () => {
  const { requests, url } = await serveHalfPublication(200);
  const { manifest } = await publishVersion(contextOf(url), ID, FILES, REQUEST);
  expect(manifest.version).toBe("2");
  expect(requests.map(({ line }) => line)).toEqual([
    "POST /admin/models/m/versions/2/publish",
    "GET /admin/models/m/versions/2",
    "PUT /admin/models/m/aliases/canary",
  ]);
  expect(requests[2]?.body).toEqual({ version: "2", actor: "ada", note: "why" });
});

test("a publication whose alias cannot be changed is no success", async () => {
  const { url } = await serveHalfPublication(409);
  await expect(publishVersion(contextOf(url), ID, FILES, REQUEST)).rejects.toThrow(
    expect.objectContaining({ reason: "conflict" }),
  );
});

test("without an alias nothing is routed", async () => {
  const { requests, url } = await serveHalfPublication(200);
  await publishVersion(contextOf(url), ID, FILES, {});
  expect(requests.some(({ line }) => line.startsWith("PUT"))).toBe(false);
});
