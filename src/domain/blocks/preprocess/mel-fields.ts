import * as z from "zod";

/** Fields of a spectrogram in mel bins, and of its cepstrum, by the names that librosa, torchaudio and Kaldi give the same things. */

export const frameFields = {
  frameSamples: z
    .int()
    .min(2)
    .max(8192)
    .default(400)
    .describe("Samples of a frame (`win_length`)."),
  hopSamples: z
    .int()
    .min(1)
    .max(8192)
    .default(160)
    .describe("From one frame to the next one (`hop_length`)."),
  fftSize: z
    .int()
    .min(2)
    .max(8192)
    .optional()
    .describe(
      "Samples of a transform (`n_fft`); `frameSamples` by default. Zeros fill what a frame leaves.",
    ),
  window: z
    .enum(["hann", "hann-symmetric", "hamming", "hamming-symmetric", "blackman", "povey", "none"])
    .default("hann")
    .describe("What frames are multiplied by; periodic where its name does not say otherwise."),
  framing: z
    .enum(["centered", "transforms", "frames"])
    .default("centered")
    .describe(
      "Frames centred on multiples of the hop, with padding at both ends (`center=True`); transforms that fit the signal (`center=False`); or frames that fit it, as TensorFlow, and Kaldi with `snip_edges`, have them.",
    ),
  padMode: z
    .enum(["reflect", "constant"])
    .default("reflect")
    .describe("Of centred frames: the mirror image of the signal, or silence."),
  gain: z
    .number()
    .positive()
    .max(65_536)
    .default(1)
    .describe("Samples are multiplied by it: 32768 for models that read integers, as Kaldi's."),
  removeOffset: z
    .boolean()
    .default(false)
    .describe("Whether the mean of a frame is subtracted (Kaldi's `remove_dc_offset`)."),
  preEmphasis: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      "How much of the sample before is subtracted within a frame, as Kaldi does; 0.97 is common.",
    ),
} as const;

export const melFields = {
  bins: z.int().min(1).max(512).default(80).describe("Mel bins (`n_mels`)."),
  minHertz: z
    .number()
    .min(0)
    .max(192_000)
    .default(0)
    .describe("Where the lowest bin begins (`f_min`)."),
  maxHertz: z
    .number()
    .positive()
    .max(192_000)
    .optional()
    .describe("Where the highest bin ends (`f_max`); half of the sample rate by default."),
  melScale: z
    .enum(["slaney", "htk"])
    .default("slaney")
    .describe(
      "Librosa's default (Slaney), or 2595 log10(1 + f / 700), torchaudio's default (HTK).",
    ),
  triangles: z
    .enum(["hertz", "mel"])
    .default("hertz")
    .describe(
      "Whether bins are triangles over hertz, or over mel as Kaldi's and TensorFlow's are.",
    ),
  melNorm: z
    .enum(["none", "slaney"])
    .default("none")
    .describe("Whether triangles are divided by their widths (librosa's default)."),
  power: z
    .union([z.literal(1), z.literal(2)])
    .default(2)
    .describe("Magnitudes (1) or powers (2) of the spectrum."),
} as const;

export const logarithmFields = {
  logarithm: z
    .enum(["none", "natural", "decimal", "decibel"])
    .default("natural")
    .describe("Of a bin: none, `log`, `log10`, or decibels (`power_to_db`, `amplitude_to_db`)."),
  floor: z
    .number()
    .min(0)
    .max(1)
    .default(1e-10)
    .describe("Smaller values become this one before the logarithm (`amin`); 0 for none."),
  offset: z.number().min(0).max(1).default(0).describe("Added before the logarithm."),
  reference: z
    .union([z.number().positive(), z.literal("max")])
    .default(1)
    .describe("Of decibels: what is 0 dB, or the largest value of the window (`ref=np.max`)."),
  topDecibels: z
    .number()
    .positive()
    .max(1000)
    .optional()
    .describe(
      "Of decibels: how far below the largest value of the window others are raised to (`top_db`).",
    ),
} as const;

/** Numbers for all bins, or one for each. */
const perBin = z.union([z.number(), z.array(z.number()).min(1).max(512)]);

export const featureFields = {
  coefficients: z
    .int()
    .min(1)
    .max(512)
    .optional()
    .describe(
      "MFCC: how many coefficients of the orthonormal cosine transform (type 2) of the bins are kept (`n_mfcc`).",
    ),
  lifter: z.number().min(0).max(100).default(0).describe("Of MFCC: librosa's `lifter`."),
  mean: perBin
    .default(0)
    .describe("Subtracted from features: one number, or one for each row of them."),
  deviation: perBin.default(1).describe("By which features are divided then."),
  normalizeBy: z
    .enum(["none", "window", "row"])
    .default("none")
    .describe(
      "Whether features have a mean of 0 and a variance of 1 in each window, or in each row of it.",
    ),
} as const;
