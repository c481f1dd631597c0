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

  /** The replacement for the shortest key that the chunk begins with. */
  const replacement = (chunk: Uint8Array): string | undefined => {
    let node = offsetOf(units[0] ?? 0);
    for (const byte of chunk) {
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

  return (text) => {
    let normalized = "";
    for (const { segment } of segmenter.segment(text)) {
      const chunk = encoder.encode(segment);
      const whole = chunk.length < MAX_GRAPHEME_BYTES ? replacement(chunk) : undefined;
      if (whole !== undefined) normalized += whole;
      else for (const point of segment) normalized += replacement(encoder.encode(point)) ?? point;
    }
    return normalized;
  };
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
}
