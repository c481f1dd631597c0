import { beforeAll, expect, inject, test } from "vitest";
import { type CampaignOptions, type CampaignResult, runCampaign } from "../../fuzz/campaign.ts";
import type { Finding } from "../../fuzz/findings.ts";
import { KINDS } from "../../fuzz/registry.ts";
import { loadSamples } from "../../fuzz/samples/load-samples.ts";
import type { Samples } from "../../fuzz/samples/samples.ts";
import { readSeeds } from "../../fuzz/seed-file.ts";
import { projectPath } from "../../scripts/project.ts";

/**
 * The fuzzing of `npm run fuzz`, in small. FUZZ_REQUESTS=20000 sends more requests.
 */
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 1500);
const MODELS = Math.ceil(REQUESTS / 30);
/** Only there to end a hang. */
const LIMIT_MS = 120_000 + REQUESTS * 20;

let samples: Samples;

beforeAll(async () => {
  samples = await loadSamples();
});

async function run(
  options: Partial<CampaignOptions>,
): Promise<{ result: CampaignResult; found: Finding[] }> {
  const found: Finding[] = [];
  const result = await runCampaign({
    outdir: inject("workerBuild"),
    samples,
    kinds: KINDS,
    seed: 1,
    requests: REQUESTS,
    models: MODELS,
    first: 0,
    connections: 4,
    seeds: [],
    timeoutMs: 45_000,
    endAtMs: Number.POSITIVE_INFINITY,
    report: () => {},
    onFinding: (finding) => found.push(finding),
    ...options,
  });
  return { result, found };
}

test(
  `${REQUESTS} hostile requests and ${MODELS} mutated models get the responses that are documented`,
  async () => {
    const seeds = readSeeds(projectPath("fuzz", "seeds"));
    const { result, found } = await run({ seeds });
    expect(found.map(({ kind, cause }) => `${kind}: ${cause}`)).toEqual([]);
    expect(result.restarts).toBe(0);
    expect(result.tally.total).toBeGreaterThanOrEqual(REQUESTS + MODELS);
    expect(result.checkedAnswers).toBeGreaterThan(0);
    // What is refused at the first glance tests nothing else.
    for (const { name } of KINDS.filter(({ name }) => name !== "leaving"))
      expect([name, result.tally.count(name, "2xx") > 0]).toEqual([name, true]);
  },
  LIMIT_MS,
);

test(
  "faults of a Worker are found: an exception, a wrong answer, a request without a response",
  async () => {
    const { found } = await run({
      outdir: inject("testWorkersBuild"),
      vars: { TEST_WORKER: "faulty" },
      kinds: KINDS.filter(({ name }) => name !== "admin"),
      requests: 400,
      models: 0,
      timeoutMs: 500,
    });
    const causes = new Set(found.map(({ cause }) => cause.split(":", 1)[0]));
    expect([...causes]).toEqual(
      expect.arrayContaining([
        "status 500 that is not the Worker's",
        "a wrong answer",
        "no response within 0.5 s",
      ]),
    );
  },
  LIMIT_MS,
);

test(
  "a Worker that hangs is a finding with the requests in flight, and is started again",
  async () => {
    const { result, found } = await run({
      outdir: inject("testWorkersBuild"),
      vars: { TEST_WORKER: "faulty" },
      kinds: KINDS.filter(({ name }) => name === "admin"),
      requests: 6,
      timeoutMs: 500,
      connections: 2,
    });
    expect(result.restarts).toBeGreaterThan(0);
    const hung = found.filter(({ cause }) => cause === "the service hangs");
    const targets = hung.map(({ requests }) => requests.map(({ target }) => target));
    expect(targets.length).toBeGreaterThan(0);
    for (const inFlight of targets) expect(inFlight).toContain("/admin/cache/purge");
    expect(result.tally.total).toBeGreaterThan(0);
  },
  LIMIT_MS,
);
