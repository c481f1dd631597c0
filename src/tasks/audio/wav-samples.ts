/** How a sample is encoded, and its value between -1 and 1. */
export interface SampleFormat {
  readonly bytes: number;
  read(view: DataView, offset: number): number;
}

export const PCM = 0x0001;
export const IEEE_FLOAT = 0x0003;
const A_LAW = 0x0006;
const MU_LAW = 0x0007;

export const SUPPORTED =
  "PCM of 1 to 32 bits, float of 32 or 64 bits, A-law and mu-law are supported";

/**
 * By format tag and bits, as libsndfile reads them: PCM of any depth is left-justified in whole bytes, of which one is unsigned
 * and more are signed (Microsoft RIFF, 1991, "WAVE").
 */
export function sampleFormat(
  codec: number,
  bits: number,
  littleEndian: boolean,
): SampleFormat | undefined {
  if (codec === PCM && bits >= 1 && bits <= 32) return pcm(Math.ceil(bits / 8), littleEndian);
  if (codec === IEEE_FLOAT && bits === 32)
    return { bytes: 4, read: (view, offset) => view.getFloat32(offset, littleEndian) };
  if (codec === IEEE_FLOAT && bits === 64)
    return { bytes: 8, read: (view, offset) => view.getFloat64(offset, littleEndian) };
  if ((codec === A_LAW || codec === MU_LAW) && bits === 8) {
    const levels = codec === A_LAW ? A_LAW_LEVELS : MU_LAW_LEVELS;
    return { bytes: 1, read: (view, offset) => levels[view.getUint8(offset)] as number };
  }
  return undefined;
}

function pcm(bytes: number, littleEndian: boolean): SampleFormat {
  switch (bytes) {
    case 1:
      return { bytes, read: (view, offset) => (view.getUint8(offset) - 128) / 128 };
    case 2:
      return { bytes, read: (view, offset) => view.getInt16(offset, littleEndian) / 32_768 };
    case 3: {
      const [low, high] = littleEndian ? [0, 2] : [1, 0];
      return {
        bytes,
        read: (view, offset) =>
          (view.getUint16(offset + low, littleEndian) + view.getInt8(offset + high) * 65_536) /
          8_388_608,
      };
    }
    default:
      return { bytes, read: (view, offset) => view.getInt32(offset, littleEndian) / 2_147_483_648 };
  }
}

/** ITU-T G.711: a sign, an exponent of three bits and a mantissa of four; every second bit is inverted. */
const A_LAW_LEVELS = Float64Array.from({ length: 256 }, (_, byte) => {
  const code = byte ^ 0x55;
  const exponent = (code & 0x70) >> 4;
  const mantissa = (code & 0x0f) << 4;
  const level = exponent === 0 ? mantissa + 8 : (mantissa + 0x108) << (exponent - 1);
  return (code & 0x80 ? level : -level) / 32_768;
});

/** ITU-T G.711: all bits are inverted. */
const MU_LAW_LEVELS = Float64Array.from({ length: 256 }, (_, byte) => {
  const code = ~byte & 0xff;
  const level = ((((code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84;
  return (code & 0x80 ? -level : level) / 32_768;
});
