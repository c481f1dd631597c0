import { expect, test } from "vitest";
import packageJson from "../../../package.json" with { type: "json" };
import {
  AUDIO_DECODERS,
  type AudioDecoderFile,
  extractAudioDecoder,
  readAudioDecoder,
} from "../../../scripts/extract-audio-decoders.ts";

test.each(Object.entries(AUDIO_DECODERS))(
  "%s is the one in %s, whose version is pinned",
  async (file, name) => {
    const extracted = await extractAudioDecoder(file as AudioDecoderFile);
    expect(Buffer.from(extracted).equals(readAudioDecoder(file as AudioDecoderFile))).toBe(true);
    expect((packageJson.devDependencies as Record<string, string>)[name]).toMatch(
      /^\d+\.\d+\.\d+$/,
    );
  },
);
