import { explain } from "../cli-error.ts";
import { failureCause } from "../server/failure-cause.ts";
import type { Settings } from "../settings.ts";
import { type Answer, type Ask, createAsk } from "./ask-server.ts";
import type { Check } from "./check.ts";
import { checkServedModels, type ExampleOf } from "./check-served-models.ts";
import { packageVersion } from "./package-folder.ts";

export interface ServerChecks {
  readonly settings: Pick<Settings, "url" | "key" | "isLocal">;
  readonly signal: AbortSignal;
  /** An example of a model, where the server does not tell one. */
  readonly exampleOf: ExampleOf;
}

/** The date of a response has seconds, and the response takes its time. */
const MAX_SKEW_MS = 60_000;

/** Checks a server, as far as it can be reached; each outcome as it is known. */
export async function* checkServer(options: ServerChecks): AsyncIterable<Check> {
  const { url, isLocal } = options.settings;
  const ask = createAsk(options.settings, options.signal);
  let live: Answer;
  try {
    live = await ask("/v2/health/live");
  } catch (error) {
    yield {
      name: "server",
      status: "fail",
      message: `${url} can't be reached: ${explain(failureCause(error))}`,
      remedy: isLocal
        ? "start it: npx onnxflare dev; or name another one by --url"
        : "check --url or ONNXFLARE_URL, and deploy: npx onnxflare deploy",
    };
    return;
  }
  if (live.status !== 200) {
    yield {
      name: "server",
      status: "fail",
      message: `${url} answers with status ${live.status}, and is not onnxflare or fails`,
      remedy: "check --url; npx wrangler tail shows the errors of a deployment",
    };
    return;
  }
  yield { name: "server", status: "ok", message: `${url} answers in ${live.ms} ms` };
  yield checkClock(live, isLocal);
  yield await checkVersion(ask);
  yield await checkReady(ask);
  const key = await checkKey(ask, options.settings);
  yield key;
  yield await checkAccess(ask, options.settings);
  if (key.status !== "fail" && options.settings.key !== undefined) yield await checkAuthority(ask);
  // With a key that is wrong, a server that is open to everybody refuses too.
  const anonymous = key.status === "fail";
  yield* checkServedModels((path, asked) => ask(path, { anonymous, ...asked }), options.exampleOf);
}

function checkClock({ date }: Answer, isLocal: boolean): Check {
  const name = "clock";
  if (Number.isNaN(date))
    return {
      name,
      status: "ok",
      message: isLocal ? "the server is on this machine" : "not compared: the server sends no date",
    };
  const skew = Date.now() - date;
  if (Math.abs(skew) <= MAX_SKEW_MS)
    return { name, status: "ok", message: "this machine has the server's time" };
  const seconds = Math.round(Math.abs(skew) / 1000);
  return {
    name,
    status: "warn",
    message: `the clock of this machine is ${seconds} s ${skew > 0 ? "ahead of" : "behind"} the server's, so times such as those of history --at mean others`,
    remedy: "set the clock, or let it be set over the network",
  };
}

async function checkVersion(ask: Ask): Promise<Check> {
  const name = "version";
  const { status, body } = await ask("/v2");
  const { version } = Object(body) as { version?: string };
  if (status !== 200 || version === undefined)
    return {
      name,
      status: "fail",
      message: `the server does not tell its version (status ${status})`,
      remedy: "check --url: it must be the root of the service",
    };
  if (version === packageVersion) return { name, status: "ok", message: `onnxflare ${version}` };
  return {
    name,
    status: "warn",
    message: `the server is onnxflare ${version}, and this program ${packageVersion}`,
    remedy: "npx onnxflare deploy, or install the other version of the package",
  };
}

async function checkReady(ask: Ask): Promise<Check> {
  const name = "storage";
  const { status, body } = await ask("/v2/health/ready");
  if (status === 200) return { name, status: "ok", message: "the server is ready" };
  const { reason = `status ${status}` } = Object(body) as { reason?: string };
  return {
    name,
    status: "fail",
    message: `the server is not ready: ${reason}`,
    remedy: "check the bucket of the binding MODELS; npx onnxflare deploy creates it",
  };
}

async function checkKey(
  ask: Ask,
  { key, isLocal }: Pick<Settings, "key" | "isLocal">,
): Promise<Check> {
  const name = "key";
  if (key === undefined)
    return {
      name,
      status: "warn",
      message: "no key was given, so the commands that publish and route can't be used",
      remedy: "give the server's ADMIN_KEY by --key or ONNXFLARE_KEY",
    };
  const { status, body } = await ask("/admin/models");
  if (status === 200) return { name, status: "ok", message: "the server accepts the key" };
  const { detail = `status ${status}` } = Object(body) as { detail?: string };
  if (status === 403)
    return {
      name,
      status: "warn",
      message: `the server knows the key, which may not do everything: ${detail}`,
      remedy:
        "npx onnxflare keys update ID --scopes ... gives it more; the server's ADMIN_KEY may do everything",
    };
  return {
    name,
    status: "fail",
    message: `the server refuses the key: ${detail}`,
    remedy: isLocal
      ? "the key of a local server is ADMIN_KEY in its .dev.vars, read when it starts"
      : "a new one is set by: npx onnxflare deploy --set-admin-key",
  };
}

/** Whether anybody may predict. */
async function checkAccess(ask: Ask, { isLocal }: Pick<Settings, "isLocal">): Promise<Check> {
  const name = "access";
  const { status } = await ask("/v2/models", { anonymous: true });
  if (status === 401) return { name, status: "ok", message: "only clients with a key may predict" };
  if (status !== 200)
    return {
      name,
      status: "warn",
      message: `whether anybody may predict is not known: status ${status}`,
      remedy: "run npx onnxflare doctor again",
    };
  if (isLocal)
    return { name, status: "ok", message: "whoever reaches this machine's server may predict" };
  return {
    name,
    status: "warn",
    message: "anybody may predict without a key: PUBLIC_PREDICT is on",
    remedy:
      'remove PUBLIC_PREDICT = "true" from [vars], deploy, and give clients keys: npx onnxflare keys create NAME',
  };
}

/** API keys and the audit log. */
async function checkAuthority(ask: Ask): Promise<Check> {
  const name = "authority";
  const { status, body } = await ask("/admin/keys?limit=1");
  if (status === 200)
    return { name, status: "ok", message: "the server has API keys and an audit log" };
  if (status === 403)
    return { name, status: "ok", message: "not examined: the key lacks the scope keys" };
  const { detail = `status ${status}` } = Object(body) as { detail?: string };
  if (status === 501)
    return {
      name,
      status: "warn",
      message: "the server has no API keys and no audit log: it lacks the binding KEYS",
      remedy: "add it as it is in the wrangler.toml of a new project, and deploy",
    };
  return {
    name,
    status: "fail",
    message: `API keys and the audit log can't be reached: ${detail}`,
    remedy: "run npx onnxflare doctor again; npx wrangler tail shows errors of a deployment",
  };
}
