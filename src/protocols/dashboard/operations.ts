import type { Context } from "hono";
import { ApiError } from "../../domain/errors.ts";
import type { AppEnv } from "../../http/context.ts";
import { respond, respondBytes } from "../../http/respond.ts";
import type { Operation, OperationResponse } from "../operation.ts";
import type { Services } from "../services.ts";

/** Scripts, styles, pictures and data of this server alone. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Of files whose names have the hash of their content. */
const NEVER_CHANGES = "public, max-age=31536000, immutable";
const HASHED = /-[\w-]{8}\.\w+$/;
const MAY_CHANGE = "no-cache";

const NOT_MODIFIED: OperationResponse = {
  description: "Not modified: the client has the current response.",
  headers: ["etag", "cache-control"],
};

export const DASHBOARD_OPERATIONS: readonly Operation[] = [
  {
    id: "getDashboard",
    kind: "documentation",
    method: "get",
    path: "",
    access: "public",
    tag: "Dashboard",
    summary: "Get the dashboard",
    description:
      "A page without data, for browsers: it asks for a key, begins a session with it, and reads its data from `/admin`.",
    parameters: ["if-none-match"],
    responses: {
      200: {
        description: "HTML.",
        headers: ["etag", "cache-control", "content-encoding", "content-security-policy"],
        content: { "text/html": { schema: { type: "string" } } },
      },
      304: NOT_MODIFIED,
      308: { description: "To the path without a slash at its end.", headers: ["location"] },
    },
    errors: ["not_supported", "storage_failed"],
    handler:
      ({ assets }) =>
      async (c) => {
        // The page has relative links, because it may be mounted under a prefix.
        if (new URL(c.req.url).pathname.endsWith("/")) return redirect(c, "../dashboard");
        c.get("headers")["content-security-policy"] = POLICY;
        return respondAsset(c, assets, "/dashboard");
      },
  },
  {
    id: "getDashboardAsset",
    kind: "documentation",
    method: "get",
    path: "/{asset}",
    access: "public",
    tag: "Dashboard",
    summary: "Get a file of the dashboard",
    parameters: ["if-none-match"],
    responses: {
      200: {
        description: "A script, a style sheet or a picture.",
        headers: ["etag", "cache-control", "content-encoding"],
        content: { "text/javascript": { schema: { type: "string" } } },
      },
      304: NOT_MODIFIED,
    },
    errors: ["asset_not_found", "not_supported", "storage_failed"],
    handler:
      ({ assets }) =>
      (c) =>
        respondAsset(c, assets, `/dashboard/${c.req.param("asset")}`),
  },
];

async function respondAsset(
  c: Context<AppEnv>,
  assets: Services["assets"],
  path: string,
): Promise<Response> {
  if (!assets)
    throw new ApiError(
      "not_supported",
      "This deployment has no dashboard: the binding ASSETS of its static assets is missing. docs/dashboard.md has it.",
    );
  const asset = ASSET_PATH.test(path) ? await assets.read(path) : undefined;
  if (!asset)
    throw new ApiError(
      "asset_not_found",
      path === "/dashboard"
        ? "The static assets of this deployment have no dashboard: docs/dashboard.md says which folder has it."
        : "There is no such file of the dashboard; a page that was loaded before the last deployment needs to be reloaded.",
    );
  const headers = c.get("headers");
  headers["cache-control"] = HASHED.test(path) ? NEVER_CHANGES : MAY_CHANGE;
  // Weak, because the response may be compressed.
  if (asset.etag !== undefined) headers.etag = asset.etag.replace(/^(?!W\/)/, "W/");
  return respondBytes(c, [asset.bytes], { contentType: asset.contentType });
}

/** Nothing that the platform would decode, or read as another folder. */
const ASSET_PATH = /^\/dashboard(?:\/[\w-]+\.[\w.-]*\w)?$/;

function redirect(c: Context<AppEnv>, location: string): Response {
  c.get("headers").location = location;
  return respond(c, "", { status: 308 });
}
