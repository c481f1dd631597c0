import { beforeEach, expect, test, vi } from "vitest";
import type { FaultyService } from "../../support/faults/faulty-service.ts";
import { codeOf, type Scenario, sweepFaults } from "../../support/faults/sweep.ts";
import type { TestResponse } from "../../support/service.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Clients and administrators of API keys, while each call of the Durable Object that has them has each fault. */

stubWorkersGlobals();

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  return () => vi.useRealTimers();
});

const IRIS = "iris-logistic";
const SETTINGS = { CACHE_TIERS: "" };
const DURING_OUTAGE = { hasAuthority: true, errors: ["authority_unavailable"] } as const;

interface Issued {
  readonly id: string;
  readonly key: string;
}

/** The key that {@link issue} has made. */
let issued: Issued;

async function issue(service: FaultyService, more: object = {}): Promise<TestResponse> {
  const scopes = ["predict", "models:read"];
  return service.post("/admin/keys", { name: "of a test", scopes, ...more });
}

/** Issues a key, and starts an isolate that has not seen it. */
function prepareKey(more: object = {}) {
  return async (service: FaultyService): Promise<void> => {
    const response = await issue(service, more);
    expect(response.status).toBe(201);
    issued = response.body as Issued;
    service.restart();
  };
}

/** What an isolate that has just started says to a client with the key. */
async function statusWith(service: FaultyService, key: string): Promise<number> {
  service.restart();
  const headers = { authorization: `Bearer ${key}` };
  return (await service.request(`/v2/models/${IRIS}`, { headers })).status;
}

const succeeded = ({ status }: TestResponse): boolean => status < 400;
const ofKey = (rest = ""): string => `/admin/keys/${issued.id}${rest}`;

test.each<[what: string, scenario: Scenario]>([
  [
    "a request with a key that the isolate has not seen",
    {
      ...DURING_OUTAGE,
      models: [IRIS],
      settings: SETTINGS,
      prepare: prepareKey(),
      act: (service) =>
        service.request(`/v2/models/${IRIS}`, {
          headers: { authorization: `Bearer ${issued.key}` },
        }),
      check: ({ body }) => expect(body).toMatchObject({ name: IRIS }),
      async after(service) {
        // During an outage it is asked once a second.
        vi.advanceTimersByTime(1000);
        const headers = { authorization: `Bearer ${issued.key}` };
        const again = await service.request(`/v2/models/${IRIS}`, { headers });
        expect(again.status).toBe(200);
      },
    },
  ],
  [
    "a key that is created",
    {
      ...DURING_OUTAGE,
      models: [IRIS],
      settings: SETTINGS,
      act: (service) => issue(service),
      check: ({ status }) => expect(status).toBe(201),
      async after(service, during) {
        if (succeeded(during))
          expect(await statusWith(service, (during.body as Issued).key)).toBe(200);
        const again = await issue(service);
        expect(again.status).toBe(201);
        expect(await statusWith(service, (again.body as Issued).key)).toBe(200);
      },
    },
  ],
  [
    "a key that is changed",
    {
      ...DURING_OUTAGE,
      models: [IRIS],
      settings: SETTINGS,
      prepare: prepareKey(),
      act: (service) =>
        service.request(ofKey(), { method: "PATCH", body: JSON.stringify({ disabled: true }) }),
      check: ({ status }) => expect(status).toBe(200),
      async after(service, during) {
        const status = await statusWith(service, issued.key);
        if (succeeded(during)) expect(status).not.toBe(200);
        const body = JSON.stringify({ disabled: true });
        expect(await service.request(ofKey(), { method: "PATCH", body })).toMatchObject({
          status: 200,
        });
        expect(await statusWith(service, issued.key)).not.toBe(200);
      },
    },
  ],
  [
    "a key that is rotated",
    {
      ...DURING_OUTAGE,
      models: [IRIS],
      settings: SETTINGS,
      prepare: prepareKey(),
      act: (service) => service.post(ofKey("/rotate"), { overlapSeconds: 600 }),
      check: ({ body }) => expect(body).toMatchObject({ id: issued.id }),
      async after(service, during) {
        if (succeeded(during))
          expect(await statusWith(service, (during.body as Issued).key)).toBe(200);
        // Whoever has no new key goes on with the one from before.
        else expect(await statusWith(service, issued.key)).toBe(200);
        const again = await service.post(ofKey("/rotate"), { overlapSeconds: 600 });
        expect(await statusWith(service, (again.body as Issued).key)).toBe(200);
      },
    },
  ],
  [
    "a key that is revoked",
    {
      ...DURING_OUTAGE,
      models: [IRIS],
      settings: SETTINGS,
      prepare: prepareKey(),
      act: (service) => service.request(ofKey(), { method: "DELETE" }),
      check: ({ status }) => expect(status).toBeLessThan(300),
      async after(service, during) {
        if (succeeded(during)) expect(await statusWith(service, issued.key)).toBe(401);
        const again = await service.request(ofKey(), { method: "DELETE" });
        expect(again.status).toBeLessThan(300);
        expect(await statusWith(service, issued.key)).toBe(401);
      },
    },
  ],
  [
    "a list of keys",
    {
      ...DURING_OUTAGE,
      models: [],
      settings: SETTINGS,
      prepare: prepareKey(),
      act: (service) => service.request("/admin/keys"),
      check: ({ body }) => expect(body).toMatchObject({ keys: [{ id: issued.id }] }),
    },
  ],
  [
    "a change that is audited",
    {
      ...DURING_OUTAGE,
      models: [IRIS],
      settings: SETTINGS,
      act: setAlias,
      check: ({ status }) => expect(status).toBe(200),
      async after(service, during) {
        const { body } = await service.request("/admin/audit");
        const { entries } = body as { readonly entries: readonly { readonly phase: string }[] };
        const phases = entries.map(({ phase }) => phase);
        // No change without an entry before it; the one after it may still be missing when its answers were lost.
        if (succeeded(during)) expect(phases).toContain("begun");
        expect((await setAlias(service)).status).toBe(200);
      },
    },
  ],
])(
  "%s has the right answer or says that the authority is out of reach, and nothing acknowledged is lost",
  async (_, scenario) => {
    const calls = await sweepFaults(scenario);
    expect(calls.some(({ binding }) => binding === "KEYS")).toBe(true);
  },
);

test("a quota is never exceeded, whatever happens to the messages about it", async () => {
  const act = (service: FaultyService): Promise<TestResponse> =>
    service.post(`/v2/models/${IRIS}/infer`, INPUTS, { authorization: `Bearer ${issued.key}` });
  await sweepFaults({
    models: [IRIS],
    settings: SETTINGS,
    hasAuthority: true,
    errors: ["authority_unavailable", "quota_exceeded"],
    prepare: prepareKey({ quota: { requestsPerDay: 3 } }),
    act,
    check: ({ status }) => expect(status).toBe(200),
    async after(service, during) {
      let served = succeeded(during) ? 1 : 0;
      const codes: string[] = [];
      // During an outage it is asked once a second.
      vi.advanceTimersByTime(1000);
      for (let request = 0; request < 5; request++) {
        const response = await act(service);
        if (succeeded(response)) served += 1;
        else codes.push(codeOf(response));
      }
      // What was given to nobody, because the answer was lost, counts as used.
      expect(served).toBeLessThanOrEqual(3);
      expect(new Set(codes)).toEqual(new Set(["quota_exceeded"]));
    },
  });
});

const INPUTS = {
  inputs: [{ name: "features", datatype: "FP32", shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2] }],
};

function setAlias(service: FaultyService): Promise<TestResponse> {
  return service.request(`/admin/models/${IRIS}/aliases/stable`, {
    method: "PUT",
    body: JSON.stringify({ version: 1 }),
  });
}
