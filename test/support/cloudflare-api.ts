import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

/**
 * The routes of Cloudflare's API that wrangler calls to deploy a Worker, for one account in memory. The real wrangler is sent here by
 * `CLOUDFLARE_API_BASE_URL`, so what is tested is its commands and their output; what Cloudflare itself does cannot be: errors are those
 * that a test names.
 */
export interface CloudflareApi {
  /** For the process that runs wrangler. */
  readonly env: Record<string, string>;
  readonly buckets: Set<string>;
  readonly namespaces: { id: string; title: string }[];
  /** The secrets of each Worker that was deployed. */
  readonly workers: Map<string, Record<string, string>>;
  /** Of Durable Objects, as they were uploaded. */
  readonly migrations: { worker: string; steps: unknown }[];
  /** The paths of each Worker's static assets, all of whose files were uploaded. */
  readonly assets: Map<string, readonly string[]>;
  /** `METHOD path` of every request, below the account. */
  readonly requests: string[];
  /** Requests whose `METHOD path` matches are refused, until they are accepted again. */
  refuse(pattern: RegExp, error: ApiFailure): void;
  acceptAll(): void;
  close(): Promise<void>;
}

export interface ApiFailure {
  readonly status: number;
  readonly code: number;
  readonly message: string;
}

type Handler = (
  match: RegExpExecArray,
  body: Buffer,
  url: URL,
  headers: IncomingHttpHeaders,
) => unknown;

/** The files of static assets, by their paths. */
type AssetManifest = Readonly<Record<string, { readonly hash: string; readonly size: number }>>;

const ACCOUNT = "0123456789abcdef0123456789abcdef";

export async function startCloudflareApi(): Promise<CloudflareApi> {
  const buckets = new Set<string>();
  const namespaces: { id: string; title: string }[] = [];
  const workers = new Map<string, Record<string, string>>();
  /** Of the last migration of each Worker's Durable Objects. */
  const migrationTags = new Map<string, string>();
  const migrations: CloudflareApi["migrations"] = [];
  const assets = new Map<string, readonly string[]>();
  /** The hashes of the static assets' files that the account has. */
  const assetFiles = new Set<string>();
  /** Of the static assets that a token is for. */
  const assetManifests = new Map<string, AssetManifest>();
  const requests: string[] = [];
  let refusals: { pattern: RegExp; error: ApiFailure }[] = [];

  function missingFiles(manifest: AssetManifest): string[] {
    const hashes = Object.values(manifest).map(({ hash }) => hash);
    return hashes.filter((hash) => !assetFiles.has(hash));
  }

  /** @returns false if the token of the static assets is not valid, or files of them are missing */
  function putAssets(worker: string, form: Buffer): boolean {
    const { assets: uploaded } = metadataIn(form);
    if (!uploaded) return true;
    const manifest = assetManifests.get(uploaded.jwt);
    if (!manifest || missingFiles(manifest).length > 0) return false;
    assets.set(worker, Object.keys(manifest));
    return true;
  }

  const routes: [RegExp, Handler][] = [
    [/^GET \/r2\/buckets$/, () => ({ buckets: [...buckets].map((name) => ({ name })) })],
    [/^GET \/r2\/buckets\/(.+)$/, ([, name = ""]) => (buckets.has(name) ? { name } : NO_BUCKET)],
    [
      /^POST \/r2\/buckets$/,
      (_, body) => {
        const { name } = JSON.parse(body.toString());
        buckets.add(name);
        return { name };
      },
    ],
    // Wrangler reads pages until one is empty.
    [
      /^GET \/storage\/kv\/namespaces$/,
      (_match, _body, { searchParams }) =>
        Number(searchParams.get("page") ?? 1) > 1 ? [] : namespaces,
    ],
    [
      /^POST \/storage\/kv\/namespaces$/,
      (_, body) => {
        const { title } = JSON.parse(body.toString());
        const id = (namespaces.length + 1).toString(16).padStart(32, "a");
        namespaces.push({ id, title });
        return { id, title };
      },
    ],
    [
      /^GET \/workers\/scripts\/([^/]+)\/secrets$/,
      ([, name = ""]) => {
        const secrets = workers.get(name);
        return secrets
          ? Object.keys(secrets).map((secret) => ({ name: secret, type: "secret_text" }))
          : NO_WORKER;
      },
    ],
    // What the account lacks of the static assets is uploaded, with the token, before the Worker.
    [
      /^POST \/workers\/scripts\/[^/]+\/assets-upload-session$/,
      (_, body) => {
        const { manifest } = JSON.parse(body.toString());
        const jwt = `assets ${assetManifests.size + 1}`;
        assetManifests.set(jwt, manifest);
        const missing = missingFiles(manifest);
        return { jwt, buckets: missing.length > 0 ? [missing] : [] };
      },
    ],
    [
      /^POST \/workers\/assets\/upload$/,
      (_match, body, _url, { authorization = "" }) => {
        for (const [, hash = ""] of body.toString("latin1").matchAll(/; name="([^"]+)"/g))
          assetFiles.add(hash);
        return { jwt: authorization.replace(/^Bearer /, "") };
      },
    ],
    [
      /^PUT \/workers\/scripts\/([^/]+)$/,
      ([, name = ""], body) => {
        if (!putAssets(name, body)) return NO_ASSETS;
        workers.set(name, { ...workers.get(name), ...secretsIn(body) });
        const { migrations: uploaded } = metadataIn(body);
        if (uploaded) {
          migrationTags.set(name, uploaded.new_tag);
          migrations.push({ worker: name, steps: uploaded.steps });
        }
        return { id: name, tag: "tag", deployment_id: "1", startup_time_ms: 20 };
      },
    ],
    // A Worker that exists gets a version, which is deployed then.
    [
      /^POST \/workers\/scripts\/([^/]+)\/versions$/,
      ([, name = ""], body) => {
        if (!putAssets(name, body)) return NO_ASSETS;
        workers.set(name, { ...workers.get(name), ...secretsIn(body) });
        return { id: "2", startup_time_ms: 20, resources: { script: { etag: "2" } } };
      },
    ],
    [/^POST \/workers\/scripts\/[^/]+\/deployments$/, () => ({ id: "2" })],
    [/^PUT \/workers\/scripts\/[^/]+\/schedules$/, () => ({ schedules: [] })],
    [/^PATCH \/workers\/scripts\/[^/]+\/script-settings$/, () => ({})],
    [
      /^GET \/workers\/workers\/([^/]+)$/,
      ([, name = ""]) =>
        workers.has(name)
          ? { id: name, name, subdomain: { enabled: true, previews_enabled: false } }
          : NO_WORKER,
    ],
    [/^GET \/workers\/subdomain$/, () => ({ subdomain: "somebody" })],
    [
      /^(?:GET|POST) \/workers\/scripts\/[^/]+\/subdomain$/,
      () => ({ enabled: true, previews_enabled: false }),
    ],
    [
      /^GET \/workers\/services\/([^/]+)$/,
      ([, name = ""]) =>
        workers.has(name)
          ? { default_environment: { script: { migration_tag: migrationTags.get(name) } } }
          : NO_SERVICE,
    ],
    [
      /^GET \/workers\/scripts\/([^/]+)\/deployments$/,
      ([, name = ""]) => (workers.has(name) ? { deployments: [] } : NO_WORKER),
    ],
  ];

  function answer(request: IncomingMessage, body: Buffer): unknown {
    const url = new URL(request.url ?? "/", "http://api");
    const path = url.pathname.replace(`/accounts/${ACCOUNT}`, "");
    const line = `${request.method} ${path}`;
    requests.push(line);
    const refusal = refusals.find(({ pattern }) => pattern.test(line));
    if (refusal) return new Failure(refusal.error);
    for (const [pattern, handle] of routes) {
      const match = pattern.exec(line);
      if (match) return handle(match, body, url, request.headers);
    }
    return new Failure({ status: 404, code: 7003, message: `No route for ${line}` });
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => send(response, answer(request, Buffer.concat(chunks))));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    env: {
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}`,
      CLOUDFLARE_API_TOKEN: "a token",
      CLOUDFLARE_ACCOUNT_ID: ACCOUNT,
    },
    buckets,
    namespaces,
    workers,
    migrations,
    assets,
    requests,
    refuse: (pattern, error) => void refusals.push({ pattern, error }),
    acceptAll: () => {
      refusals = [];
    },
    close: () => close(server),
  };
}

class Failure {
  readonly error: ApiFailure;

  constructor(error: ApiFailure) {
    this.error = error;
  }
}

const NO_BUCKET = new Failure({
  status: 404,
  code: 10006,
  message: "The specified bucket does not exist.",
});
const NO_WORKER = new Failure({
  status: 404,
  code: 10007,
  message: "This Worker does not exist on your account.",
});

const NO_SERVICE = new Failure({
  status: 404,
  code: 10090,
  message: "workers.api.error.service_not_found",
});

/** The code and the words are not Cloudflare's. */
const NO_ASSETS = new Failure({
  status: 400,
  code: 1,
  message: "The token of the static assets is not valid, or files are missing.",
});

/** The metadata in the form that uploads a Worker. */
function metadataIn(form: Buffer): {
  readonly bindings?: { type: string; name: string; text: string }[];
  readonly migrations?: { readonly new_tag: string; readonly steps: unknown };
  readonly assets?: { readonly jwt: string };
} {
  const [, metadata = "{}"] =
    /name="metadata"[^\n]*\r\n(?:[^\r\n]+\r\n)*\r\n(.*)\r\n/.exec(form.toString("latin1")) ?? [];
  return JSON.parse(metadata);
}

function secretsIn(form: Buffer): Record<string, string> {
  const { bindings = [] } = metadataIn(form);
  return Object.fromEntries(
    bindings.filter(({ type }) => type === "secret_text").map(({ name, text }) => [name, text]),
  );
}

function send(response: ServerResponse, result: unknown): void {
  const failure = result instanceof Failure ? result.error : undefined;
  response.writeHead(failure?.status ?? 200, { "content-type": "application/json" });
  const errors = failure ? [{ code: failure.code, message: failure.message }] : [];
  const info = Array.isArray(result)
    ? { count: result.length, total_count: result.length, page: 1, per_page: 1000 }
    : undefined;
  response.end(
    JSON.stringify({
      success: !failure,
      errors,
      messages: [],
      result: failure ? null : result,
      result_info: info,
    }),
  );
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
