import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { createTokenDecoder, type TokenDecoder } from "../../../../src/tasks/text/token-decoder.ts";
import { catchApiError } from "../../../support/errors.ts";
import { readTokenizerFixture } from "../../../support/tokenizers.ts";

interface Decoded {
  readonly lists: number;
  readonly longest: number;
  readonly variants: readonly {
    readonly name: string;
    readonly tokenizer: string;
    readonly decoder: object | null;
    readonly cases: readonly { ids: number[]; text: string; withSpecialTokens: string }[];
    readonly vocabulary: number;
    readonly digest: string;
    readonly digestWithSpecialTokens: string;
  }[];
}

const fixture = readTokenizerFixture<Decoded>("decoded.json");

describe.each(fixture.variants)("$name", (variant) => {
  const json = readJson(variant.tokenizer);
  const create = createTokenDecoder(variant.decoder ? { ...json, decoder: variant.decoder } : json);
  const createWhole = createTokenDecoder(
    variant.decoder ? { ...json, decoder: variant.decoder } : json,
    { skipSpecialTokens: false },
  );

  test("decodes the texts of Python's tokenizers, with and without special tokens", () => {
    for (const { ids, text, withSpecialTokens } of variant.cases) {
      expect(decode(create(), ids)).toBe(text);
      expect(decode(createWhole(), ids)).toBe(withSpecialTokens);
    }
  });

  test(`decodes ${fixture.lists} random lists of ids as Python's tokenizers do`, () => {
    expect(digest(create, variant.vocabulary)).toBe(variant.digest);
    expect(digest(createWhole, variant.vocabulary)).toBe(variant.digestWithSpecialTokens);
  });
});

describe("a byte-level decoder", () => {
  const create = createTokenDecoder(readJson("bpe-byte-level"));
  const byId = Object.entries((readJson("bpe-byte-level") as ByteLevelTokenizer).model.vocab);
  const idOf = (letters: string): number => byId.find(([token]) => token === letters)?.[1] ?? -1;

  test("holds a character back until its last byte has come", () => {
    // U+1F642 is F0 9F 99 82 in UTF-8, and in GPT-2's letters for bytes:
    const ids = ["ð", "Ł", "Ļ", "Ĥ"].map(idOf);
    const decoder = create();
    expect(ids.map((id) => decoder.push(id))).toEqual(["", "", "", "🙂"]);
    expect(decoder.end()).toBe("");
  });

  test("ends a cut character with a replacement character", () => {
    const decoder = create();
    expect([decoder.push(idOf("ð")), decoder.push(idOf("Ł")), decoder.end()]).toEqual([
      "",
      "",
      "\ufffd",
    ]);
  });

  test("keeps a byte order mark", () => {
    expect(decode(create(), ["ï", "»", "¿", "A"].map(idOf))).toBe("\ufeffA");
  });
});

test("decoders of one tokenizer do not share their state", () => {
  const create = createTokenDecoder(readJson("bpe-byte-level"));
  const [first, second] = [create(), create()];
  const { ð: lead = -1, A: letter = -1 } = (readJson("bpe-byte-level") as ByteLevelTokenizer).model
    .vocab;
  expect(first.push(lead)).toBe("");
  expect(second.push(letter) + second.end()).toBe("A");
  expect(first.end()).toBe("\ufffd");
});

test("what is stripped at the end of a text is held back", () => {
  const tokenizer = {
    model: { vocab: { a: 0, e: 1 } },
    decoder: {
      type: "Sequence",
      decoders: [{ type: "Fuse" }, { type: "Strip", content: "e", start: 0, stop: 2 }],
    },
  };
  const decoder = createTokenDecoder(tokenizer)();
  expect([1, 0, 1, 1, 1].map((id) => decoder.push(id))).toEqual(["", "ea", "", "", "e"]);
  expect(decoder.end()).toBe("");
});

test("a decoder that needs the whole text is refused by its name", () => {
  const decoder = { type: "Sequence", decoders: [{ type: "Fuse" }, { type: "WordPiece" }] };
  const { message } = catchApiError("task_not_supported", () =>
    createTokenDecoder({ ...readJson("unigram"), decoder }),
  );
  expect(message).toContain('"WordPiece"');
});

test("an unknown decoder is refused with the known ones", () => {
  const { message } = catchApiError("task_not_supported", () =>
    createTokenDecoder({ ...readJson("unigram"), decoder: { type: "CTC" } }),
  );
  expect(message).toContain("decoder");
});

interface ByteLevelTokenizer {
  readonly model: { readonly vocab: Readonly<Record<string, number>> };
}

function readJson(name: string): object {
  if (name !== "pocket-gpt") return readTokenizerFixture(`${name}.json`);
  return JSON.parse(readFileSync(projectPath("models", name, "1", "tokenizer.json"), "utf8"));
}

function decode(decoder: TokenDecoder, ids: readonly number[]): string {
  return ids.map((id) => decoder.push(id)).join("") + decoder.end();
}

function digest(create: () => TokenDecoder, vocabulary: number): string {
  let state = 1;
  const draw = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state >> 15;
  };
  const hash = createHash("sha256");
  for (let list = 0; list < fixture.lists; list++) {
    const ids = Array.from({ length: 1 + (draw() % fixture.longest) }, () => draw() % vocabulary);
    hash.update(`${decode(create(), ids)}\n`);
  }
  return hash.digest("hex");
}
