import { describe, expect, test } from "vitest";
import { createScrubber, hasBeginning, scrubTexts } from "../../../src/shared/scrub-secrets.ts";

const SECRET = 'Tr0ub4dor "&" 3/+?';
const API_KEY = `of_live_${"a1B2c3D4e5".repeat(5)}`;
const JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.MEUCIQDx-_";

const scrub = createScrubber([SECRET, "short"], { findsCut: true });

describe("a secret that is known", () => {
  test.each([
    ["as it is", SECRET],
    ["in JSON", JSON.stringify(SECRET).slice(1, -1)],
    ["in a URL", encodeURIComponent(SECRET)],
    ["in base64", Buffer.from(SECRET).toString("base64").replace(/=+$/, "")],
    ["in base64url", Buffer.from(SECRET).toString("base64url")],
  ])("is replaced %s", (_, spelling) => {
    const scrubbed = scrub(`before ${spelling} between ${spelling} after`);
    // The last character of base64 depends on what follows, and tells less than one character.
    expect(scrubbed).toMatch(/^before \[secret\]\w? between \[secret\]\w? after$/);
  });

  test("is replaced where a text has only its beginning", () => {
    expect(scrub(`"${SECRET.slice(0, 8)}..."`)).toBe('"[secret]..."');
    expect(scrub(SECRET.slice(0, 12))).toBe("[secret]");
    expect(scrub(SECRET.slice(0, 7))).toBe(SECRET.slice(0, 7));
  });

  test.each([
    ["as it is", SECRET],
    ["in JSON", JSON.stringify(SECRET).slice(1, -1)],
    ["in a URL", encodeURIComponent(SECRET)],
    ["in base64", Buffer.from(SECRET).toString("base64")],
    ["in base64url", Buffer.from(SECRET).toString("base64url")],
  ])("is found by its first eight characters %s, and by no fewer", (_, spelling) => {
    expect(hasBeginning(`id-${spelling.slice(0, 8)}-1`, ["another secret", SECRET])).toBe(true);
    expect(hasBeginning(`id-${spelling.slice(0, 7)}-1`, ["another secret", SECRET])).toBe(false);
    expect(hasBeginning(`id-${spelling.slice(1)}`, [SECRET])).toBe(false);
  });

  test("is replaced as a whole alone where guesses must not be answered", () => {
    const scrubReply = createScrubber([SECRET], { findsCut: false });
    expect(scrubReply(`a ${SECRET} b`)).toBe("a [secret] b");
    expect(scrubReply(SECRET.slice(0, -1))).toBe(SECRET.slice(0, -1));
  });

  test("that others contain is replaced with them", () => {
    const both = createScrubber(["0123456789", "0123456789abcdef"], { findsCut: true });
    expect(both("0123456789abcdef 0123456789")).toBe("[secret] [secret]");
  });

  test("and shorter than a word is left", () => expect(scrub("a short text")).toBe("a short text"));
});

describe("the form of a secret", () => {
  test.each([
    ["an API key", API_KEY],
    ["an API key that was cut", API_KEY.slice(0, 40)],
    ["a generated admin key", "of_admin_A1b2-C3d4_E5f6"],
    ["a JSON Web Token", JWT],
    ["a JSON Web Token that was cut", JWT.slice(0, 30)],
    ["a session", "v1.admin.1796070051.bBxCwBazth78C4pTELimjO9q_an1.GiDkepYEfZ2V-t7"],
    ["a session that was cut", "v1.admin.1796070051.bBxCwBazth78"],
    ["a key of another service", `sk-proj-${"a1B2".repeat(8)}`],
    ["a token of Hugging Face", `hf_${"a1B2".repeat(8)}`],
  ])("is replaced: %s", (_, secret) => {
    expect(scrub(`There is no model "${secret}".`)).toBe('There is no model "[secret]".');
    expect(scrub(secret)).toBe("[secret]");
  });

  test.each([
    "of_live_a1B2c3D4e5F6",
    "sk-learn-pipeline",
    "eyJhbGciOiJFUzI1NiJ9",
    "sentence-embeddings",
    "550e8400-e29b-41d4-a716-446655440000",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  ])("is not that of %j", (text) => expect(scrub(text)).toBe(text));
});

test("tokens are found wherever they begin, and what is around them is left", () => {
  expect(scrub(`https://www.example.com/a-${JWT}.x.y.z.html`)).toBe(
    "https://www.example.com/a-[secret].z.html",
  );
  expect(scrub(`www.${JWT} (${JWT})`)).toBe("www.[secret] ([secret])");
  expect(scrub("www.eyJhbGciOiJFUzI1NiJ9")).toBe("www.eyJhbGciOiJFUzI1NiJ9");
});

test.each([
  "-eyJ",
  "eyJaaaaaaaa-",
  "-eyJaaaaaaaa.",
  "v1.a.",
  "v1.a.1234567890.",
  "of_live_",
  "sk-",
  "hf_",
  SECRET.slice(0, 8),
])("a text that repeats %j takes time in proportion to its length", (beginning) => {
  const text = beginning.repeat(400_000 / beginning.length);
  const startedAt = performance.now();
  scrub(text);
  // By the square of the length it would take minutes.
  expect(performance.now() - startedAt).toBeLessThan(2000);
});

test("texts in a value are scrubbed wherever they are, and nothing else is changed", () => {
  const value = { a: [API_KEY, 1, null, true], [API_KEY]: { b: `x${API_KEY}` }, c: undefined };
  expect(scrubTexts(value, scrub)).toEqual({
    a: ["[secret]", 1, null, true],
    "[secret]": { b: "x[secret]" },
    c: undefined,
  });
});
