import { ApiError } from "../domain/errors.ts";
import type { StaticAssets } from "../domain/static-assets.ts";

/** The binding of static assets answers requests for any host. */
const HOST = "https://assets.invalid";

/**
 * The static assets of the platform, by their binding.
 * @throws ApiError `storage_failed`
 */
export function createStaticAssets(binding: Pick<Fetcher, "fetch">): StaticAssets {
  return {
    async read(path) {
      const response = await binding.fetch(`${HOST}${path}`);
      if (response.status === 404) return undefined;
      if (!response.ok)
        throw new ApiError("storage_failed", `The asset ${path} could not be read.`, {
          cause: new Error(`ASSETS answered with the status ${response.status}`),
        });
      return {
        bytes: new Uint8Array(await response.arrayBuffer()),
        contentType: response.headers.get("content-type") ?? "application/octet-stream",
        etag: response.headers.get("etag") ?? undefined,
      };
    },
  };
}
