/** What the blocks that read recordings take. */

/** The media types of WAV, MP3, FLAC and Ogg files. The first of each kind is the one that its bytes are recognized as. */
export const AUDIO_MEDIA_TYPES = [
  "audio/wav",
  "audio/x-wav",
  "audio/wave",
  "audio/vnd.wave",
  "audio/mpeg",
  "audio/mp3",
  "audio/flac",
  "audio/x-flac",
  "audio/ogg",
  "audio/opus",
  "audio/vorbis",
  "application/ogg",
] as const;

/** For the API's description. */
export const AUDIO_INPUTS =
  "a WAV, MP3, FLAC or Ogg file (Vorbis or Opus) as base64 or a data URL, or a list of such files";
