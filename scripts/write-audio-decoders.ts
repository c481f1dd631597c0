import { exitWith } from "../packages/cli/src/local/user-error.ts";
import { writeAudioDecoders } from "./extract-audio-decoders.ts";

await writeAudioDecoders().catch(exitWith);
