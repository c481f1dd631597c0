import type { FuzzKind } from "../fuzz-kind.ts";
import { post } from "../http/request.ts";
import { mutateMedia } from "../mutate/mutate-media.ts";
import { MEDIA_TYPES } from "../samples/samples.ts";

const TYPES = [
  ...Object.values(MEDIA_TYPES),
  "application/octet-stream",
  "image/*",
  "audio/x-wav",
  "application/json",
  "",
];

export const media: FuzzKind = {
  name: "media",
  description:
    "images, sounds and tables: order, lengths, checksums and fields of their parts, bytes",
  weight: 14,
  create(random, samples) {
    const { format, model, bytes } = random.pickWeighted(samples.media);
    const file = mutateMedia(bytes, format, random);
    const target = `/models/${model}`;
    if (random.chance(0.15)) {
      const inputs = `data:${MEDIA_TYPES[format]};base64,${Buffer.from(file).toString("base64")}`;
      return post(target, "application/json", JSON.stringify({ inputs }));
    }
    return post(target, random.chance(0.8) ? MEDIA_TYPES[format] : random.pick(TYPES), file);
  },
};
