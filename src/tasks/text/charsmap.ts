/**
 * SentencePiece's character normalization, from the `Precompiled` normalizer of a tokenizer.json: a
 * double-array trie (Darts) over UTF-8 bytes whose values are offsets in a list of zero-terminated texts. As in Hugging
 * Face's `spm_precompiled`, a grapheme of less than 6 bytes is looked up as a whole, any other by its code points.
 */

const MAX_GRAPHEME_BYTES = 6;

/** @param base64 little-endian: the trie's size in bytes, the trie, the texts */
export function createCharsmap(base64: string): (text: string) => string {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const trieBytes = view.getUint32(0, true);
  const units = Uint32Array.from({ length: trieBytes / 4 }, (_, unit) =>
    view.getUint32(4 + 4 * unit, true),
  );
  const texts = bytes.subarray(4 + trieBytes);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
  /** Reused, because texts have many graphemes. */
  const chunk = new Uint8Array(MAX_GRAPHEME_BYTES);

  /** The replacement for the shortest key that the first bytes of the chunk begin with. */
  const replacement = (length: number): string | undefined => {
    let node = offsetOf(units[0] ?? 0);
    for (let at = 0; at < length; at++) {
      const byte = chunk[at] ?? 0;
      if (byte === 0) return undefined;
      node ^= byte;
      const unit = units[node] ?? 0;
      if ((unit & 0x800000ff) >>> 0 !== byte) return undefined;
      node ^= offsetOf(unit);
      if ((unit >>> 8) & 1) {
        const start = (units[node] ?? 0) & 0x7fffffff;
        return decoder.decode(texts.subarray(start, texts.indexOf(0, start)));
      }
    }
    return undefined;
  };
  const replace = (text: string): string | undefined => {
    const { read, written } = encoder.encodeInto(text, chunk);
    const isWhole = read === text.length && written < MAX_GRAPHEME_BYTES;
    return isWhole ? replacement(written) : undefined;
  };
  const ascii = Array.from({ length: 0x80 }, (_, code) => {
    const letter = String.fromCharCode(code);
    return replace(letter) ?? letter;
  });

  return (text) => {
    // Tokens are located character by character.
    if (text.length === 1) return replace(text) ?? text;
    let normalized = "";
    for (const { segment } of segmenter.segment(text)) {
      const known = segment.length === 1 ? ascii[segment.charCodeAt(0)] : undefined;
      const whole = known ?? replace(segment);
      if (whole !== undefined) normalized += whole;
      else for (const point of segment) normalized += replace(point) ?? point;
    }
    return normalized;
  };
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
}
