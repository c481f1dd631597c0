import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { seedModels } from "../../packages/cli/src/local/seed.ts";
import { projectPath } from "../../scripts/project.ts";
import type { DriftReport } from "../../src/domain/monitoring/drift-report.ts";
import type { KnownProfile } from "../../src/domain/monitoring/reference-profile.ts";
import type { AdministeredService } from "../support/administration.ts";
import { poll } from "../support/poll.ts";
import { shareServices } from "../support/shared-services.ts";

/** Reference profiles and reports of drift, in workerd. Expected values are those of NumPy and scikit-learn. */

interface Penguins {
  readonly labels: readonly string[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly scores: readonly (readonly number[])[];
}

const read = (...path: string[]): string =>
  readFileSync(projectPath("test", "fixtures", ...path)).toString();
const csv = read("tables", "penguins.csv");
const { labels, rows, scores } = JSON.parse(read("tables", "penguins.json")) as Penguins;
const { penguins: NUMPY } = JSON.parse(read("drift", "statistics.json"));

const VERSION = "/models/penguins-gradient-boosting/versions/1";
const PROFILE = `${VERSION}/profile`;
const CSV = { method: "PUT", headers: { "content-type": "text/csv" }, body: csv };

const start = shareServices();
let service: AdministeredService;
let made: KnownProfile;

const put = (value: unknown) =>
  service.administer(PROFILE, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(value),
  });

beforeAll(async () => {
  service = await start({ CACHE_TIERS: "", MONITORING_FLUSH_MS: "100", CATALOG_TTL_SECONDS: "0" }, [
    "penguins-gradient-boosting",
    "spam-detection",
  ]);
  const { status, body } = await service.administer(PROFILE, CSV);
  expect({ status, body }).toMatchObject({ status: 200 });
  made = body as KnownProfile;
});

describe("a profile of a table", () => {
  test("has the moments, categories and missing values that NumPy finds", () => {
    const inputs = new Map(made.profile.inputs.map((feature) => [feature.name, feature]));
    expect([...inputs.keys()]).toEqual(csv.split("\n")[0]?.split(","));
    const length = inputs.get("bill_length_mm");
    const { count, missing, mean, deviation } = NUMPY.billLength;
    expect(length).toMatchObject({ kind: "numeric", count, missing });
    // The model's inputs have 32 bits.
    if (length?.kind === "numeric") {
      expect(length.mean).toBeCloseTo(mean, 4);
      expect(length.deviation).toBeCloseTo(deviation, 4);
      expect(length.counts.reduce((sum, each) => sum + each, 0)).toBe(count);
    }
    for (const name of ["island", "sex"])
      expect(inputs.get(name)).toMatchObject({
        kind: "category",
        categories: NUMPY[name].categories,
        counts: [...NUMPY[name].counts, 0],
      });
  });

  test("has the labels and confidences that scikit-learn predicts", () => {
    const best = scores.map((each) => Math.max(...each));
    const found = scores.map((each, row) => labels[each.indexOf(best[row] ?? 0)]);
    const [label, confidence] = made.profile.outputs;
    expect(label).toMatchObject({
      name: "label",
      categories: labels,
      counts: [...labels.map((name) => found.filter((each) => each === name).length), 0],
    });
    const bins = Array.from({ length: 20 }, (_, bin) =>
      best.reduce((sum, each) => sum + Number(Math.min(19, Math.floor(each * 20)) === bin), 0),
    );
    expect(confidence).toMatchObject({ name: "confidence", counts: bins });
  });

  test("is the same one, whether the rows are CSV or JSON, and is returned by its digest", async () => {
    expect((await put({ inputs: rows })).body).toMatchObject({ digest: made.digest });
    expect((await service.administer(PROFILE)).body).toMatchObject({ digest: made.digest });
  });

  test("may be sent as it was returned, after it was deleted", async () => {
    expect((await service.administer(PROFILE, { method: "DELETE" })).status).toBe(200);
    expect((await service.administer(PROFILE)).body).toMatchObject({ code: "profile_not_found" });
    expect((await put(made.profile)).body).toEqual(made);
  });

  test("is recorded by the audit log with its digests", async () => {
    const { body } = await service.administer("/audit?limit=100");
    const { entries } = body as { entries: { operation: string; details?: unknown }[] };
    const changes = entries.filter(({ operation }) => operation === "setProfile");
    expect(JSON.stringify(changes)).toContain(made.digest);
  });
});

test.each([
  ["of too few rows", { inputs: rows.slice(0, 19) }, "invalid_request", "19 rows"],
  [
    "of a row that the model does not take",
    { inputs: [...rows, { a: 1 }] },
    "invalid_input",
    "island",
  ],
  ["that is one row", { inputs: rows[0] }, "invalid_request", "1 rows"],
  ["of another version", () => ({ ...made.profile, version: "2" }), "invalid_request", "version 2"],
  ["that is not valid", () => ({ ...made.profile, rows: "many" }), "invalid_request", "rows"],
])("a profile %s is refused", async (_, value, code, words) => {
  const { body } = await put(typeof value === "function" ? value() : value);
  expect(body).toMatchObject({ code });
  expect(JSON.stringify(body)).toContain(words);
  expect((await service.administer(PROFILE)).body).toMatchObject({ digest: made.digest });
});

test("a table of more rows than a profile is made of is refused", async () => {
  const [heading, ...lines] = csv.trimEnd().split("\n");
  const body = [heading, ...Array.from({ length: 260 }, () => lines).flat()].join("\n");
  const refused = await service.administer(PROFILE, { ...CSV, body });
  expect(refused.body).toMatchObject({ code: "invalid_request" });
  expect(JSON.stringify(refused.body)).toContain("more than 10000 rows");
});

test("a profile of texts has their lengths, and what is predicted of them", async () => {
  const texts = Array.from({ length: 24 }, (_, index) => `Buy ${"now ".repeat(index + 1)}`);
  const { body } = await service.administer("/models/spam-detection/versions/1/profile", {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ inputs: texts }),
  });
  const { profile } = body as KnownProfile;
  const lengths = texts.map(({ length }) => length);
  expect(profile.inputs).toMatchObject([
    {
      name: "text",
      kind: "numeric",
      count: 24,
      min: Math.min(...lengths),
      max: Math.max(...lengths),
    },
  ]);
  expect(profile.outputs.map(({ name }) => name)).toEqual(["label", "confidence"]);
});

test("requests that differ from the profile are suspected after a window", async () => {
  const shifted = rows.map((row) => ({ ...row, body_mass_g: 6000, island: "Dream" }));
  for (let i = 0; i < 3; i++)
    await service.request("/models/penguins-gradient-boosting", {
      method: "POST",
      body: JSON.stringify({ inputs: shifted }),
    });
  const report = await poll("report of a window", async () => {
    const { status, body } = await service.administer(`${VERSION}/drift?rows=100&seconds=60`);
    expect(status).toBe(200);
    const found = body as DriftReport;
    return found.windows[0]?.complete ? found : undefined;
  });
  expect(report.status).toBe("suspected");
  expect(report.reference?.digest).toBe(made.digest);
  const states = new Map(report.features.map(({ feature, status }) => [feature, status]));
  expect(states.get("body_mass_g")).toBe("suspected");
  expect(states.get("island")).toBe("suspected");
  expect(states.get("bill_depth_mm")).toBe("none");
  expect(report.windows[0]).toMatchObject({ rows: 120, complete: true });
});

test("a version of models/ is seeded with its profile, which does not replace one that was set since", async () => {
  const folder = mkdtempSync(join(tmpdir(), "onnxflare-profiles-"));
  try {
    cpSync(projectPath("models", "iris-logistic"), join(folder, "iris-logistic"), {
      recursive: true,
    });
    const path = "/models/iris-logistic/versions/1/profile";
    await seedModels(service.bucket, folder);
    const seeded = (await service.administer(path)).body as KnownProfile;
    const committed = join(folder, "iris-logistic", "1", "profile.json");
    expect(seeded.profile).toEqual(JSON.parse(readFileSync(committed, "utf8")));
    const inputs = Array.from({ length: 20 }, (_, index) => [5 + index / 20, 3, 1, 0.2]);
    const other = await service.administer(path, {
      method: "PUT",
      body: JSON.stringify({ inputs }),
    });
    await seedModels(service.bucket, folder);
    expect((await service.administer(path)).body).toEqual(other.body);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a report says which window it can have", async () => {
  const { body } = await service.administer(`${VERSION}/drift?rows=29`);
  expect(body).toMatchObject({ code: "invalid_request" });
  expect(JSON.stringify(body)).toContain("from 30 to 1000000");
});
