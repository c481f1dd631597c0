/**
 * The language of a text as far as its script tells, as a tag of BCP 47: `ja`, `ko`, `el` and others whose script is theirs alone, and
 * else `und` with the script, such as `und-Latn`.
 */

/** The first code points of blocks of letters, with the script's tag; up to the next block. Source: Unicode's Blocks.txt. */
const BLOCKS: readonly (readonly [from: number, tag: string | undefined])[] = [
  [0x0000, undefined],
  [0x0041, "und-Latn"],
  [0x005b, undefined],
  [0x0061, "und-Latn"],
  [0x007b, undefined],
  [0x00c0, "und-Latn"],
  [0x02b0, undefined],
  [0x0370, "el"],
  [0x0400, "und-Cyrl"],
  [0x0530, "hy"],
  [0x0590, "und-Hebr"],
  [0x0600, "und-Arab"],
  [0x0700, undefined],
  [0x0750, "und-Arab"],
  [0x0780, undefined],
  [0x0900, "und-Deva"],
  [0x0980, "und-Beng"],
  [0x0a00, "und-Guru"],
  [0x0a80, "gu"],
  [0x0b00, "or"],
  [0x0b80, "ta"],
  [0x0c00, "te"],
  [0x0c80, "kn"],
  [0x0d00, "ml"],
  [0x0d80, "si"],
  [0x0e00, "th"],
  [0x0e80, "lo"],
  [0x0f00, "und-Tibt"],
  [0x1000, "und-Mymr"],
  [0x10a0, "ka"],
  [0x1100, "ko"],
  [0x1200, "und-Ethi"],
  [0x13a0, undefined],
  [0x1780, "km"],
  [0x1800, "und-Mong"],
  [0x18b0, undefined],
  [0x1e00, "und-Latn"],
  [0x1f00, "el"],
  [0x2000, undefined],
  [0x3040, "ja"],
  [0x3100, undefined],
  [0x3130, "ko"],
  [0x3190, undefined],
  [0x3400, "und-Hani"],
  [0x4dc0, undefined],
  [0x4e00, "und-Hani"],
  [0xa000, undefined],
  [0xac00, "ko"],
  [0xd7b0, undefined],
  [0xf900, "und-Hani"],
  [0xfb00, undefined],
  [0xff66, "ja"],
  [0xffa0, undefined],
];

/** Where no letter was found. */
const UNKNOWN = "und";
/** Japanese has most of its letters in common with Chinese: a share of kana is enough. */
const KANA_SHARE = 0.05;
/** UTF-16 code units of a text that are looked at, evenly spaced. */
const MAX_LOOKED_AT = 256;

export function languageOf(text: string): string {
  const counts = new Map<string, number>();
  const step = Math.max(1, Math.floor(text.length / MAX_LOOKED_AT));
  let letters = 0;
  for (let at = 0; at < text.length; at += step) {
    const tag = tagOf(text.charCodeAt(at));
    if (tag === undefined) continue;
    letters += 1;
    counts.set(tag, (counts.get(tag) ?? 0) + 1);
  }
  if (letters === 0) return UNKNOWN;
  if ((counts.get("ja") ?? 0) >= letters * KANA_SHARE) return "ja";
  let most = UNKNOWN;
  let max = 0;
  for (const [tag, count] of counts) {
    if (count <= max) continue;
    most = tag;
    max = count;
  }
  return most;
}

function tagOf(codeUnit: number): string | undefined {
  let low = 0;
  let high = BLOCKS.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((BLOCKS[middle]?.[0] ?? 0) <= codeUnit) low = middle;
    else high = middle - 1;
  }
  return BLOCKS[low]?.[1];
}
