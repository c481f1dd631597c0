import { CliError } from "../cli-error.ts";

interface KnownFailure {
  readonly pattern: RegExp;
  readonly remedy: string;
}

const PAID_PLAN = "subscribe to the Workers Paid plan in the Cloudflare dashboard";

/** Failures by what wrangler prints of them, with Cloudflare's code where it has one. The first that matches is told. */
const KNOWN_FAILURES: readonly KnownFailure[] = [
  {
    pattern:
      /not authenticated|not logged in|necessary to set a CLOUDFLARE_API_TOKEN|failed to fetch auth token|\[code: (?:6003|6111|9106|9109|10000|10001)\]/i,
    remedy:
      "log in with: npx wrangler login; or set CLOUDFLARE_API_TOKEN to a token that may edit Workers, R2 and KV",
  },
  {
    pattern: /more than one account/i,
    remedy: "name the account: set CLOUDFLARE_ACCOUNT_ID, or account_id in wrangler.toml",
  },
  {
    pattern: /enable R2|\[code: 10042\]/i,
    remedy: "enable R2 in the Cloudflare dashboard, then run the command again",
  },
  {
    pattern: /worker.?loader|dynamic worker/i,
    remedy: `${PAID_PLAN}, or remove [[worker_loaders]] from wrangler.toml: all models share one isolate then`,
  },
  {
    pattern: /cpu limits? .*(?:not supported|free)|\[code: 100328\]/i,
    remedy: `${PAID_PLAN}, or remove [limits] from wrangler.toml`,
  },
  {
    pattern: /exceeded the size limit|script.*too large|\[code: 10027\]/i,
    remedy: `${PAID_PLAN}: its Workers may have 10 MB, and those of the free plan 3 MB, compressed`,
  },
  {
    pattern: /paid plan|workers paid/i,
    remedy: PAID_PLAN,
  },
  {
    pattern: /workers\.dev subdomain|\[code: 10063\]/i,
    remedy:
      "choose a workers.dev subdomain in the Cloudflare dashboard (Workers & Pages), or add a route to wrangler.toml",
  },
  {
    pattern: /kv namespace .*not (?:found|valid)|\[code: 10041\]|\[code: 10014\]/i,
    remedy:
      "remove the line id from [[kv_namespaces]] in wrangler.toml, and this command finds or creates the namespace",
  },
  {
    pattern: /fetch failed|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|certificate/i,
    remedy: "check the connection of this machine to api.cloudflare.com",
  },
  {
    pattern: /could not resolve|no such module|build failed/i,
    remedy: "run npm install; then correct what the message names in the sources of the Worker",
  },
];

/** The failure of a command of wrangler: its own message, and what to do about it. */
export function wranglerFailure(args: readonly string[], output: string): CliError {
  const command = `wrangler ${args.filter((argument) => /^[a-z]/.test(argument)).join(" ")}`;
  const message = messageOf(output);
  const known = KNOWN_FAILURES.find(({ pattern }) => pattern.test(message));
  return new CliError("serverFailed", `${command} failed:\n${message}`, {
    hint:
      known?.remedy ?? "npx wrangler whoami shows the account; npx onnxflare doctor the project",
  });
}

/** From the first error on, without wrangler's advertisements, and where it has written its log. */
function messageOf(output: string): string {
  const start = output.search(/^.*\[ERROR\]/m);
  const lines = (start < 0 ? output : output.slice(start))
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => !/^\s*(?:⛅|─+$|🪵|If you think this is a bug|.*`--temporary`)/u.test(line));
  return lines
    .join("\n")
    .replaceAll(/\n{2,}/g, "\n")
    .trim();
}
