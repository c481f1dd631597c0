import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { CliError } from "../../../../packages/cli/src/cli-error.ts";
import {
  createServerClient,
  pathOf,
  type ServerClient,
} from "../../../../packages/cli/src/server/server-client.ts";
import type { Settings } from "../../../../packages/cli/src/settings.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** A server that gives its answers one after the other, the last one again and again. */
async function serve(...answers: Answer[]) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    request.resume().once("end", () => {
      answers[Math.min(requests.length, answers.length) - 1]?.(request, response);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

function problem(status: number, code: string, headers: Record<string, string> = {}): Answer {
  const body = { type: "about:blank", title: "T", status, detail: `It is ${code}.`, code };
  return (_, response) =>
    response
      .writeHead(status, { "content-type": "application/problem+json", ...headers })
      .end(JSON.stringify({ ...body, request_id: "a-request" }));
}

const ok: Answer = (_, response) => response.end('{"ok":true}');
const broken: Answer = (request) => request.socket.destroy();

interface Client extends ServerClient {
  readonly retried: CliError[];
}

function client(url: string, settings: Partial<Settings> = {}): Client {
  const retried: CliError[] = [];
  const server = createServerClient({
    settings: {
      url,
      isLocal: true,
      urlFile: undefined,
      key: "the-key",
      isKeyGiven: false,
      retries: 3,
      json: false,
      ...settings,
    },
    signal: new AbortController().signal,
    onRetry: (error) => retried.push(error),
  });
  return { ...server, retried };
}

async function failure(work: Promise<unknown>): Promise<CliError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason) => reason,
  );
  if (error instanceof CliError) return error;
  throw new Error(`not a CliError: ${error}`);
}

describe("a request that fails", () => {
  test.each([
    ["503", problem(503, "storage_failed")],
    ["500", problem(500, "engine_crashed")],
    ["a broken connection", broken],
    ["408", problem(408, "body_timeout")],
  ])("with %s is repeated", async (_, answer) => {
    const { url, requests } = await serve(answer, answer, ok);
    const server = client(url);
    expect(await server.json({ path: "/admin/models" })).toEqual({ ok: true });
    expect(requests).toHaveLength(3);
    expect(server.retried).toHaveLength(2);
  });

  test("waits as long as retry-after says", async () => {
    const { url } = await serve(problem(429, "overloaded", { "retry-after": "1" }), ok);
    const start = performance.now();
    await client(url).json({ path: "/admin/models" });
    expect(performance.now() - start).toBeGreaterThanOrEqual(990);
  });

  test("is repeated as often as it is asked to be", async () => {
    const { url, requests } = await serve(problem(503, "storage_failed"));
    const error = await failure(client(url, { retries: 1 }).json({ path: "/admin/models" }));
    expect(error).toMatchObject({ reason: "serverFailed", code: "storage_failed", exitCode: 8 });
    expect(requests).toHaveLength(2);
  });

  test.each([
    [400, "invalid_model", "refused", 7],
    [401, "unauthorized", "unauthorized", 4],
    [404, "model_not_found", "notFound", 5],
    [409, "version_exists", "conflict", 6],
    [413, "body_too_large", "refused", 7],
    [501, "task_not_supported", "refused", 7],
    [507, "model_too_large", "refused", 7],
  ])("with %d %s is not repeated", async (status, code, reason, exitCode) => {
    const { url, requests } = await serve(problem(status, code), ok);
    const error = await failure(client(url).json({ path: "/admin/models" }));
    expect(error).toMatchObject({ reason, exitCode, code, status, requestId: "a-request" });
    expect(error.message).toBe(`It is ${code}.`);
    expect(requests).toHaveLength(1);
  });

  test("and must not be made twice is repeated only if it was refused", async () => {
    const request = { method: "POST", path: "/admin/x", repeats: "never" } as const;
    for (const answer of [broken, problem(502, "storage_failed")]) {
      const { url, requests } = await serve(answer, ok);
      await failure(client(url).json(request));
      expect(requests).toHaveLength(1);
    }
    const { url } = await serve(problem(429, "overloaded"), ok);
    expect(await client(url).json(request)).toEqual({ ok: true });
  });
});

test("a body that is a function is made anew for each attempt", async () => {
  const { url } = await serve(problem(503, "storage_failed"), ok);
  let made = 0;
  const body = (): string => {
    made += 1;
    return "a body";
  };
  await client(url).json({ method: "PUT", path: "/admin/x", body });
  expect(made).toBe(2);
});

test("a server that is not there is unreachable, with how to start one", async () => {
  const { url } = await serve(ok);
  servers.splice(0).map((server) => server.close());
  const server = client(url, { retries: 1 });
  const error = await failure(server.json({ path: "/admin/models" }));
  expect(error).toMatchObject({ reason: "unreachable", exitCode: 3 });
  expect(error.message).toContain("ECONNREFUSED");
  expect(error.hint).toContain("npm start");
  expect(server.retried).toHaveLength(1);
});

test.each([
  ["<html>Bad gateway</html>", "the server responded with 400: <html>Bad gateway</html>"],
  ["", "the server responded with 400: (empty)"],
  ['{"error": "a protocol\'s error"}', "a protocol's error"],
  ['{"error": {"message": "an error of OpenAI\'s API", "code": "x"}}', "an error of OpenAI's API"],
])("the error %j is reported by its message", async (body, message) => {
  const { url } = await serve((_, response) => response.writeHead(400).end(body));
  expect((await failure(client(url).json({ path: "/x" }))).message).toBe(message);
});

test("the key of a project's files is sent to /admin only, and a given one everywhere", async () => {
  const { url, requests } = await serve(ok);
  await client(url).json({ path: "/admin/models" });
  await client(url).json({ path: "/models/a" });
  await client(url, { isKeyGiven: true }).json({ path: "/models/a" });
  expect(requests.map(({ headers }) => headers.authorization)).toEqual([
    "Bearer the-key",
    undefined,
    "Bearer the-key",
  ]);
});

test("a key that would be sent over plain HTTP to another machine is warned of once", async () => {
  const { url } = await serve(ok);
  for (const [isLocal, warnings] of [
    [true, 0],
    [false, 1],
  ] as const) {
    let warned = 0;
    const server = createServerClient({
      settings: {
        url,
        isLocal,
        urlFile: undefined,
        key: "k",
        isKeyGiven: true,
        retries: 0,
        json: false,
      },
      signal: new AbortController().signal,
      onRetry: () => undefined,
      onPlainKey: () => {
        warned += 1;
      },
    });
    await server.json({ path: "/admin/models" });
    await server.json({ path: "/admin/models" });
    expect(warned).toBe(warnings);
  }
});

test("without a key nothing is sent to /admin", async () => {
  const { url, requests } = await serve(ok);
  const error = await failure(client(url, { key: undefined }).json({ path: "/admin/models" }));
  expect(error).toMatchObject({ reason: "unauthorized", exitCode: 4 });
  expect(error.hint).toContain("ONNXFLARE_KEY");
  expect(requests).toEqual([]);
});

test("segments of a path are encoded", () => {
  expect(pathOf("admin", "models", "a/b?c", "1")).toBe("/admin/models/a%2Fb%3Fc/1");
});

describe("a response that is none of the service", () => {
  const GET = { path: "/admin/models" } as const;
  const write =
    (body: string): Answer =>
    (_, response) =>
      response.end(body);

  test.each(["<html>Sign in</html>", "", "null", "[]", '"text"', '{"models":['])(
    "such as %j is a failure of the server, and not repeated",
    async (body) => {
      const { url, requests } = await serve(write(body));
      const error: unknown = await client(url)
        .json(GET)
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject({ reason: "serverFailed", exitCode: 8 });
      expect((error as CliError).message).toContain(`GET ${url}/admin/models was answered with`);
      expect(requests).toHaveLength(1);
    },
  );
});

test.each([[[{ label: "a" }]], [null], [1.5]])("the result of a model may be %j", async (value) => {
  const { url } = await serve((_, response) => response.end(JSON.stringify(value)));
  expect(await client(url).json({ path: "/models/m" })).toEqual(value);
});

/** The connection ends in the middle of the body. */
const cut: Answer = (request, response) => {
  response.writeHead(200, { "content-length": "1000" }).write('{"models":[');
  setTimeout(() => request.socket.destroy(), 10);
};

test("a response whose body is cut is requested again", async () => {
  const { url, requests } = await serve(cut, ok);
  expect(await client(url).json({ path: "/admin/models" })).toEqual({ ok: true });
  expect(requests).toHaveLength(2);
});

test("a response whose body is cut again and again is an unreachable server", async () => {
  const { url } = await serve(cut);
  await expect(client(url, { retries: 1 }).text({ path: "/models/m" })).rejects.toMatchObject({
    reason: "unreachable",
    exitCode: 3,
  });
});

test("a publication whose response is cut is not sent again", async () => {
  const { url, requests } = await serve(cut, ok);
  const request = { method: "POST", path: "/admin/x", value: {}, repeats: "never" } as const;
  await expect(client(url).json(request)).rejects.toMatchObject({ reason: "unreachable" });
  expect(requests).toHaveLength(1);
});

test("a key or a header that HTTP does not allow is refused before anything is sent", async () => {
  const { url, requests } = await serve(ok);
  await expect(client(url, { key: "a\nb" }).send({ path: "/admin/models" })).rejects.toMatchObject({
    reason: "usage",
    message: expect.not.stringContaining("a\nb"),
  });
  const headers = { "x-sticky-key": "a\u0000" };
  await expect(client(url).send({ path: "/models/m", headers })).rejects.toMatchObject({
    reason: "usage",
  });
  expect(requests).toHaveLength(0);
});

describe("what the guard refuses", () => {
  test.each([
    [401, "unauthorized", 4, "ONNXFLARE_KEY"],
    [403, "forbidden", 4, "keys update"],
    [429, "quota_exceeded", 10, "00:00 UTC"],
    [429, "too_many_attempts", 10, "wrong key"],
  ])("%d %s is not tried again, and has a remedy", async (...given) => {
    const [status, code, exitCode, remedy] = given;
    const { url, requests } = await serve(problem(status, code, { "retry-after": "0" }), ok);
    const error = await failure(client(url, { isKeyGiven: true }).json({ path: "/v2" }));
    expect(error).toMatchObject({ status, code, exitCode });
    expect(error.hint).toContain(remedy);
    expect(requests).toHaveLength(1);
  });

  test("a rate limit and an authority out of reach are waited for, but not for minutes", async () => {
    const soon = { "retry-after": "0" };
    const limited = problem(429, "rate_limited", soon);
    const { url, requests } = await serve(limited, problem(503, "authority_unavailable", soon), ok);
    expect(await client(url).json({ path: "/v2" })).toEqual({ ok: true });
    expect(requests).toHaveLength(3);
    const far = await serve(problem(429, "rate_limited", { "retry-after": "600" }), ok);
    const error = await failure(client(far.url).json({ path: "/v2" }));
    expect(error).toMatchObject({ code: "rate_limited", exitCode: 10 });
    expect(far.requests).toHaveLength(1);
  });

  test("a local server gets its own key where it asks for one, once and then always", async () => {
    const { url, requests } = await serve(problem(401, "unauthorized"), ok);
    const server = client(url);
    expect(await server.json({ path: "/v2" })).toEqual({ ok: true });
    await server.json({ path: "/v2/models" });
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      "Bearer the-key",
      "Bearer the-key",
    ]);
  });

  test("another server does not get a key that was not given", async () => {
    const { url, requests } = await serve(problem(401, "unauthorized"), ok);
    const error = await failure(client(url, { isLocal: false }).json({ path: "/v2" }));
    expect(error).toMatchObject({ exitCode: 4 });
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });
});
