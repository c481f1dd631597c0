import { createHash } from "node:crypto";
import type { AdministeredService } from "./administration.ts";
import type { TestResponse } from "./service.ts";

/** The uploads and publications of one version, over HTTP. */
export interface VersionUploads {
  /** `PUT .../files/{path}`, whole. */
  send(path: string, bytes: Uint8Array, headers?: Record<string, string>): Promise<TestResponse>;
  /** A part of a file, both ends included. */
  sendPart(path: string, bytes: Uint8Array, start: number, end: number): Promise<TestResponse>;
  list(): Promise<TestResponse>;
  publish(body?: object): Promise<TestResponse>;
  /** All keys of the model in storage, below `models/` and `uploads/`. */
  keys(): Promise<string[]>;
}

export function uploadsOf(
  service: AdministeredService,
  name: string,
  version = "1",
): VersionUploads {
  const path = `/models/${name}/versions/${version}`;
  const send: VersionUploads["send"] = (file, bytes, headers = {}) =>
    service.administer(`${path}/files/${file}`, {
      method: "PUT",
      body: Uint8Array.from(bytes),
      headers,
    });
  return {
    send,
    sendPart: (file, bytes, start, end) =>
      send(file, bytes.subarray(start, end + 1), {
        "content-range": `bytes ${start}-${end}/${bytes.byteLength}`,
        "repr-digest": digestField(bytes),
      }),
    list: () => service.administer(`${path}/files`),
    publish: (body) =>
      service.administer(`${path}/publish`, {
        method: "POST",
        body: body === undefined ? null : JSON.stringify(body),
      }),
    async keys() {
      const all = await Promise.all(
        ["models", "uploads"].map((folder) =>
          service.bucket.list({ prefix: `${folder}/${name}/` }),
        ),
      );
      return all.flatMap(({ objects }) => objects.map(({ key }) => key));
    },
  };
}

export function digestField(bytes: Uint8Array): string {
  return `sha-256=:${createHash("sha256").update(bytes).digest("base64")}:`;
}
