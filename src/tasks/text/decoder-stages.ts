import * as z from "zod";
import { ApiError } from "../../domain/errors.ts";
import { bytesOfLetters } from "./pre-tokenizers.ts";

/**
 * The decoders of a tokenizer.json, as Python's `tokenizers` computes them, token by token. The npm library's take whole
 * lists only, and differ: its `ByteFallback` keeps the valid characters of an invalid run, its `ByteLevel` turns letters
 * that stand for no byte into zeros, and its `Metaspace` removes one mark of the first token, not all.
 */

const leaf = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ByteLevel") }),
  z.object({
    type: z.literal("WordPiece"),
    prefix: z.string().default("##"),
    cleanup: z.boolean().default(true),
  }),
  z.object({
    type: z.literal("Metaspace"),
    replacement: z.string().default("▁"),
    add_prefix_space: z.boolean().optional(),
    prepend_scheme: z.enum(["always", "first", "never"]).optional(),
  }),
  z.object({ type: z.literal("BPEDecoder"), suffix: z.string().default("</w>") }),
  z.object({ type: z.literal("ByteFallback") }),
  z.object({ type: z.literal("Fuse") }),
  z.object({
    type: z.literal("Strip"),
    content: z.string(),
    start: z.int().min(0).default(0),
    stop: z.int().min(0).default(0),
  }),
  z.object({
    type: z.literal("Replace"),
    pattern: z.object({ String: z.string().min(1) }),
    content: z.string(),
  }),
]);

export type DecoderConfig =
  | z.output<typeof leaf>
  | { readonly type: "Sequence"; readonly decoders: readonly DecoderConfig[] };

export const decoderSchema: z.ZodType<DecoderConfig> = z.lazy(() =>
  z.union([leaf, z.object({ type: z.literal("Sequence"), decoders: z.array(decoderSchema) })]),
);

/** One decoder of a sequence: takes tokens in their order, and passes on what no later token can change. */
export interface Stage {
  push(token: string): readonly string[];
  end(): readonly string[];
}

/**
 * Creates the stages of a decoder; each call of a result begins a new text.
 * @param config none where the tokenizer has no decoder: tokens are joined by spaces
 * @throws ApiError `task_not_supported` for decoders after `Fuse` that would have to wait for the whole text
 */
export function createStages(config: DecoderConfig | null | undefined): (() => Stage)[] {
  if (!config) return [() => eachToken((token, first) => (first ? token : ` ${token}`))];
  const stages: (() => Stage)[] = [];
  let fused = false;
  for (const decoder of flatten(config)) {
    if (decoder.type === "Fuse") fused = true;
    else stages.push(fused ? afterFuse(decoder) : beforeFuse(decoder));
    // Its result is a single token.
    if (decoder.type === "ByteLevel") fused = true;
  }
  return stages;
}

type Leaf = z.output<typeof leaf>;

function flatten(config: DecoderConfig): Leaf[] {
  return config.type === "Sequence" ? config.decoders.flatMap(flatten) : [config];
}

function beforeFuse(decoder: Exclude<Leaf, { type: "Fuse" }>): () => Stage {
  switch (decoder.type) {
    case "ByteLevel":
      return byteLevel;
    case "ByteFallback":
      return byteFallback;
    case "BPEDecoder":
      return () => wordSuffix(decoder.suffix);
    case "WordPiece": {
      const { prefix, cleanup } = decoder;
      const attach = (token: string): string =>
        token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
      return () =>
        eachToken((token, first) => {
          const text = first ? token : attach(token);
          return cleanup ? withoutExtraSpaces(text) : text;
        });
    }
    case "Metaspace": {
      const { replacement, add_prefix_space, prepend_scheme } = decoder;
      const scheme = prepend_scheme ?? (add_prefix_space === false ? "never" : "always");
      const atStart = scheme === "never" ? " " : "";
      return () =>
        eachToken((token, first) => token.replaceAll(replacement, () => (first ? atStart : " ")));
    }
    case "Replace": {
      const { pattern, content } = decoder;
      return () => eachToken((token) => token.replaceAll(pattern.String, () => content));
    }
    case "Strip":
      return () =>
        eachToken((token) => {
          const stage = strip(decoder);
          return [...stage.push(token), ...stage.end()].join("");
        });
  }
}

/** The whole text is one token, whose parts arrive one by one. */
function afterFuse(decoder: Exclude<Leaf, { type: "Fuse" }>): () => Stage {
  if (decoder.type === "Strip") return () => strip(decoder);
  if (decoder.type === "Replace" && Array.from(decoder.pattern.String).length === 1)
    return beforeFuse(decoder);
  throw new ApiError(
    "task_not_supported",
    `The model's tokenizer decodes with "${decoder.type}" after its tokens are fused, which texts cannot be streamed with: Strip and Replace of one character can follow there.`,
  );
}

function eachToken(decode: (token: string, first: boolean) => string): Stage {
  let first = true;
  return {
    push(token) {
      const text = decode(token, first);
      first = false;
      return [text];
    },
    end: () => [],
  };
}

/** Bytes that are no UTF-8 become U+FFFD. */
function byteLevel(): Stage {
  const utf8 = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  return {
    push: (token) => [utf8.decode(bytesOfLetters(token), { stream: true })],
    end: () => [utf8.decode()],
  };
}

const BYTE = /^<0x([0-9A-Fa-f]{2}|\+[0-9A-Fa-f])>$/;

/** A run of bytes is a text, or else each of them a U+FFFD: known when it has ended. */
function byteFallback(): Stage {
  let bytes: number[] = [];
  const endRun = (): readonly string[] => {
    if (bytes.length === 0) return [];
    const run = Uint8Array.from(bytes);
    bytes = [];
    try {
      return [new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(run)];
    } catch {
      return Array.from(run, () => "\ufffd");
    }
  };
  return {
    push(token) {
      const byte = BYTE.exec(token)?.[1];
      if (byte === undefined) return [...endRun(), token];
      bytes.push(Number.parseInt(byte, 16));
      return [];
    },
    end: endRun,
  };
}

/** The suffix becomes a space, but nothing in the last token. */
function wordSuffix(suffix: string): Stage {
  let last: string | undefined;
  return {
    push(token) {
      const before = last?.replaceAll(suffix, " ");
      last = token;
      return before === undefined ? [] : [before];
    },
    end: () => (last === undefined ? [] : [last.replaceAll(suffix, "")]),
  };
}

/** Removes the character up to `start` times at the beginning and up to `stop` times at the end. */
function strip(limits: { content: string; start: number; stop: number }): Stage {
  const { content, stop } = limits;
  let { start } = limits;
  let held = "";
  return {
    push(token) {
      let at = 0;
      while (start > 0 && at < token.length) {
        if (!token.startsWith(content, at)) {
          start = 0;
          break;
        }
        at += content.length;
        start--;
      }
      held += token.slice(at);
      let end = held.length;
      for (let kept = 0; kept < stop && held.endsWith(content, end); kept++) end -= content.length;
      const text = held.slice(0, end);
      held = held.slice(end);
      return [text];
    },
    end: () => [],
  };
}

const CLEANUPS: readonly (readonly [string, string])[] = [
  [" .", "."],
  [" ?", "?"],
  [" !", "!"],
  [" ,", ","],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" do not", " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

function withoutExtraSpaces(token: string): string {
  return CLEANUPS.reduce((text, [dirty, clean]) => text.replaceAll(dirty, clean), token);
}
