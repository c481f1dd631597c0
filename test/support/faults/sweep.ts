import { expect } from "vitest";
import type { ErrorCode } from "../../../src/domain/errors.ts";
import type { OnnxflareSettings } from "../../../src/library.ts";
import type { TestResponse } from "../service.ts";
import { type BindingCall, type Fault, faultsOf } from "./fault-plan.ts";
import { createFaultyService, type FaultyService } from "./faulty-service.ts";

/** Something that a client does, while one call of a binding after the other has one fault after the other. */
export interface Scenario {
  readonly models: readonly string[];
  readonly settings?: OnnxflareSettings;
  /** Whether there is the binding KEYS, whose calls have faults too. */
  readonly hasAuthority?: boolean;
  /** What was done before, without faults. */
  prepare?(service: FaultyService): Promise<void>;
  act(service: FaultyService): Promise<TestResponse>;
  /**
   * Whether objects that are read have every fault. Otherwise only those of the call: all others make it fail
   * (test/unit/storage/r2-object-store.test.ts).
   */
  readonly spoilsObjects?: boolean;
  /** Fails for a response with another status than an error's that is not the right answer. */
  check(response: TestResponse): void;
  /** What a fault may be answered with, besides `storage_failed`. */
  readonly errors?: readonly (ErrorCode | "not_ready")[];
  /**
   * What is true when the fault is over. By default, the same request has the right answer.
   * @param during the response while there was a fault
   */
  after?(service: FaultyService, during: TestResponse): Promise<void>;
}

const OF_OBJECTS: readonly Fault[] = ["cut", "breaks", "stalls", "garbled"];

/** By the virtual clock: the longest deadline of a request, and time for one call more, of a write. */
const MAX_MS = 60_000;

/**
 * Counts the calls of the scenario, and then does it once for each call and each fault that the call can have.
 * @returns the calls
 * @throws Error with each fault for which something else happens than the right answer or an error of the scenario
 */
export async function sweepFaults(scenario: Scenario): Promise<readonly BindingCall[]> {
  const { calls } = await perform(scenario);
  const failures: string[] = [];
  for (const [at, call] of calls.entries())
    for (const fault of faultsOf(call)) {
      const isOfObject = call.binding === "MODELS" && OF_OBJECTS.includes(fault);
      if (isOfObject && !scenario.spoilsObjects) continue;
      try {
        await perform(scenario, at, fault);
      } catch (error) {
        const what = `${call.binding}.${call.method} ${call.key} ${fault}`;
        failures.push(`call ${at + 1}, ${what}: ${error instanceof Error ? error.message : error}`);
      }
    }
  if (failures.length > 0) throw new Error(failures.join("\n"));
  return calls;
}

async function perform(
  scenario: Scenario,
  at?: number,
  fault?: Fault,
): Promise<{ readonly calls: readonly BindingCall[] }> {
  const { models, settings, hasAuthority, errors = [], prepare, act, check } = scenario;
  const service = await createFaultyService(models, settings, hasAuthority);
  const { plan } = service;
  await prepare?.(service);
  plan.arm(at, fault);
  const startedMs = service.elapsedMs;
  const during = await act(service);
  const calls = [...plan.calls];
  plan.disarm();
  if (at === undefined && during.status >= 400)
    throw new Error(`without a fault: ${during.status} ${JSON.stringify(during.body)}`);
  const tookMs = service.elapsedMs - startedMs;
  if (tookMs > MAX_MS) throw new Error(`it took ${tookMs} ms`);
  if (during.status < 400) check(during);
  else expect(["storage_failed", ...errors]).toContain(codeOf(during));
  await (scenario.after ?? repeat)(service, during);
  return { calls };

  async function repeat(): Promise<void> {
    const again = await act(service);
    expect([again.status, again.body]).toEqual([expect.toSatisfy(isSuccess), expect.anything()]);
    check(again);
  }
}

export function isSuccess(status: number): boolean {
  return status < 400;
}

/** The code of an error, in whatever form; `not_ready` of a probe. */
export function codeOf({ body }: TestResponse): string {
  const { code, error, ready } = body as {
    readonly code?: string;
    readonly error?: { readonly code?: string };
    readonly ready?: boolean;
  };
  if (ready === false) return "not_ready";
  return code ?? error?.code ?? `no code: ${JSON.stringify(body)}`;
}
