import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Admission, Permit } from "../../../src/domain/admission.ts";
import { Deadline } from "../../../src/domain/deadline.ts";
import { ApiError } from "../../../src/domain/errors.ts";
import { respond } from "../../../src/http/respond.ts";
import { createOpenApiDocument } from "../../../src/protocols/openapi/document.ts";
import type {
  InferenceOperation,
  Operation,
  OtherOperation,
  Representation,
} from "../../../src/protocols/operation.ts";
import type { Protocol } from "../../../src/protocols/protocol.ts";
import { createTestApp, type TestApp } from "../../support/test-app.ts";

/** What the routes derive from a protocol's operations, by the example of a protocol of the tests. */

const READ = {
  kind: "metadata",
  method: "get",
  access: "public",
  tag: "Models",
  summary: "Read it",
  responses: { 200: { description: "It." } },
} as const satisfies Partial<OtherOperation>;

function operation(
  changes: Partial<OtherOperation> & Pick<OtherOperation, "id" | "path">,
): OtherOperation {
  return { ...READ, handler: () => (c) => respond(c, JSON.stringify(changes.id)), ...changes };
}

function inference(handler: () => Promise<Representation>): InferenceOperation {
  return {
    ...READ,
    id: "predict",
    path: "/predict",
    kind: "inference",
    method: "post",
    identity: { variesBy: () => "" },
    handler: () => handler,
  };
}

function protocolOf(operations: readonly Operation[], changes: Partial<Protocol> = {}): Protocol {
  return {
    name: "example",
    basePath: "/example",
    operations,
    schemas: { requests: {}, responses: { ExampleError: z.strictObject({ oh: z.string() }) } },
    renderError: ({ code }) => ({
      contentType: "application/json",
      body: JSON.stringify({ oh: code }),
    }),
    errors: {
      form: "an example",
      contentType: "application/json",
      schema: "ExampleError",
      narrow: (code) => ({ properties: { oh: code } }),
    },
    ...changes,
  };
}

/** Renders the errors of paths of no other protocol. */
const ROOT = protocolOf([], {
  name: "root",
  basePath: "",
  renderError: () => ({ contentType: "text/plain", body: "root" }),
});

function appOf(operations: readonly Operation[], changes: Partial<Protocol> = {}): TestApp {
  return createTestApp({}, [protocolOf(operations, changes), ROOT]);
}

describe("the routes of a protocol", () => {
  const versioned = operation({ id: "read", path: "/{model}/thing", versioned: true });

  test("an operation has routes below its protocol's base path, with and without a version", async () => {
    const app = appOf([versioned]);
    for (const path of ["/example/a/thing", "/example/a/versions/2/thing", "/example/a/thing/"])
      expect(await (await app.request(path)).json()).toBe("read");
    expect(
      app.events.map(({ route, operation, operationKind }) => [route, operation, operationKind]),
    ).toEqual([
      ["/example/:model/thing", "read", "metadata"],
      ["/example/:model/versions/:version/thing", "read", "metadata"],
      ["/example/:model/thing", "read", "metadata"],
    ]);
  });

  test("a route that supports GET supports HEAD", async () => {
    const response = await appOf([versioned]).request("/example/a/thing", { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  test("other methods are refused with 405 and the methods that the path supports", async () => {
    const write = operation({ id: "write", path: "/{model}/thing", method: "put" });
    const app = appOf([versioned, write]);
    const response = await app.request("/example/a/thing", { method: "DELETE" });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD, PUT");
    expect(await response.json()).toEqual({ oh: "method_not_allowed" });
    expect(app.events).toMatchObject([{ route: "/example/:model/thing", operation: undefined }]);
  });

  test("errors have the form of the protocol, also on paths that match no operation", async () => {
    const fail = (): never => {
      throw new ApiError("invalid_input", "no");
    };
    const app = appOf([operation({ id: "fail", path: "/fail", handler: () => fail })]);
    expect(await (await app.request("/example/fail")).json()).toEqual({ oh: "invalid_input" });
    expect(await (await app.request("/example/nothing")).json()).toEqual({ oh: "route_not_found" });
    expect(await (await app.request("/examples")).text()).toBe("root");
    expect(app.events.map(({ route }) => route)).toEqual([
      "/example/fail",
      "unmatched",
      "unmatched",
    ]);
  });
});

describe("an operation for a reserved model name", () => {
  const general = operation({ id: "one", path: "/{model}" });
  const reserved = operation({ id: "all", path: "/{model}", reservedModel: "all" });

  test("an operation for a reserved model name is selected by the name, independent of the order", async () => {
    for (const operations of [
      [general, reserved],
      [reserved, general],
    ]) {
      const app = appOf(operations);
      expect(await (await app.request("/example/all")).json()).toBe("all");
      expect(await (await app.request("/example/other")).json()).toBe("one");
      expect(app.events.map(({ operation }) => operation)).toEqual(["all", "one"]);
    }
  });

  test("an operation for a reserved model name has its own path in the document", () => {
    const document = createOpenApiDocument([protocolOf([general, reserved])], "1");
    expect(document.paths["/example/all"]?.get?.operationId).toBe("all");
    expect(document.paths["/example/{model}"]?.get?.operationId).toBe("one");
  });

  test("an operation for a reserved model name requires one of the same access and kind on its path", () => {
    expect(() => appOf([reserved])).toThrow(
      "all has a reserved model name, but no other operation has its path",
    );
    const admin = { ...reserved, access: "admin" } as const;
    expect(() => appOf([general, admin])).toThrow("all and one share a path");
  });
});

describe("access", () => {
  const closed = operation({ id: "closed", path: "/closed", access: "admin" });
  const open = operation({ id: "open", path: "/open" });

  test("the access of an operation is checked before its handler runs", async () => {
    const app = appOf([closed, open]);
    const refused = await app.request("/example/closed");
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toBe("Bearer");
    expect((await app.request("/example/open")).status).toBe(200);
    expect(app.events).toMatchObject([{ operation: "closed", errorCode: "unauthorized" }, {}]);
  });

  test.each(["/example/open", "/example/closed", "/example/nothing"])(
    "an admin protocol requires the key on every path, such as %s",
    async (path) => {
      const app = appOf([closed, open], { isAdmin: true });
      for (const method of ["GET", "DELETE"])
        expect((await app.request(path, { method })).status).toBe(401);
    },
  );
});

function refuseAll(): never {
  throw new ApiError("overloaded", "full");
}

describe("an inference operation", () => {
  function admissionOf(log: string[]): Admission {
    const permit: Permit = {
      acquire: async () => void log.push("acquired"),
      yield: async () => undefined,
      release: () => void log.push("released"),
    };
    return {
      begin: (timeoutMs) => new Deadline(timeoutMs === undefined ? {} : { timeoutMs }),
      check: ({ deadline }) => void log.push(`checked ${deadline.timeoutMs}`),
      admit({ deadline }) {
        log.push(`admitted ${deadline.timeoutMs}`);
        return permit;
      },
    };
  }

  test("a request to an inference operation is admitted, queued, and releases its permit", async () => {
    const log: string[] = [];
    const predict = inference(async () => {
      log.push("handled");
      return { contentType: "text/plain", parts: [Uint8Array.of(52, 50)], variant: [] };
    });
    const app = createTestApp({ admission: admissionOf(log) }, [protocolOf([predict]), ROOT]);
    const init = { method: "POST", headers: { "x-timeout-ms": "70" } };
    const response = await app.request("/example/predict", init);
    expect([response.headers.get("content-type"), await response.text()]).toEqual([
      "text/plain",
      "42",
    ]);
    await app.settle();
    expect(log).toEqual(["checked 70", "admitted 70", "acquired", "handled", "released"]);
  });

  test("a request to an inference operation that fails releases its permit", async () => {
    const log: string[] = [];
    const predict = inference(async () => {
      throw new Error("broken");
    });
    const app = createTestApp({ admission: admissionOf(log) }, [protocolOf([predict]), ROOT]);
    expect((await app.request("/example/predict", { method: "POST" })).status).toBe(500);
    await app.settle();
    expect(log).toEqual(["checked Infinity", "admitted Infinity", "acquired", "released"]);
  });

  test.each(["metadata", "health", "admin", "documentation"] as const)(
    "a request to an operation of kind %s needs no permit",
    async (kind) => {
      const app = appOf([operation({ id: "read", path: "/read", kind })]);
      const refuse = createTestApp(
        {
          admission: {
            begin: () => new Deadline(),
            check: refuseAll,
            admit: refuseAll,
          },
        },
        [protocolOf([operation({ id: "read", path: "/read", kind })]), ROOT],
      );
      for (const each of [app, refuse])
        expect((await each.request("/example/read")).status).toBe(200);
    },
  );
});

test("the document describes errors in the form of the operation's protocol", () => {
  const read = operation({
    id: "read",
    path: "/{model}",
    versioned: true,
    access: "admin",
    errors: ["model_not_found"],
  });
  const document = createOpenApiDocument([protocolOf([read])], "1");
  const { responses, parameters, security } =
    document.paths["/example/{model}/versions/{version}"]?.get ?? {};
  expect(Object.keys(responses ?? {})).toEqual([
    "200",
    "400",
    "401",
    "403",
    "404",
    "405",
    "429",
    "500",
    "503",
  ]);
  expect(responses?.[404]?.content).toEqual({
    "application/json": {
      schema: {
        allOf: [
          { $ref: "#/components/schemas/ExampleError" },
          { properties: { oh: { enum: ["model_not_found", "version_not_found"] } } },
        ],
      },
    },
  });
  expect(parameters).toEqual([
    { $ref: "#/components/parameters/model" },
    { $ref: "#/components/parameters/version" },
    { $ref: "#/components/parameters/x-request-id" },
    { $ref: "#/components/parameters/traceparent" },
    { $ref: "#/components/parameters/tracestate" },
  ]);
  expect(security).toEqual([{ bearer: ["admin"] }]);
  expect(document.components.schemas.ExampleError).toMatchObject({ type: "object" });
});
