import type { TaskKind } from "../../domain/task-kinds.ts";
import type { ExportedTask } from "../exports/export-types.ts";
import { proposeSpeechRecognition, proposeVoiceActivity } from "./audio.ts";
import { proposeGeneration, proposeTextToText } from "./generation.ts";
import { proposeImageClassification } from "./image.ts";
import { proposeImageSegmentation } from "./image-segmentation.ts";
import { proposeImageToText } from "./image-to-text.ts";
import { proposeObjectDetection } from "./object-detection.ts";
import type { ProposalInput, ProposeTask } from "./proposal.ts";
import { proposeAudioClassification, proposeAudioFeatureExtraction } from "./sounds.ts";
import {
  proposeAnomalyDetection,
  proposeClustering,
  proposeTabularClassification,
  proposeTabularRegression,
} from "./tabular.ts";
import { proposeEmbedding, proposeTextClassification, proposeTokenClassification } from "./text.ts";
import { proposeTextRanking, proposeZeroShotClassification } from "./text-pairs.ts";

const PROPOSALS: Readonly<Record<TaskKind, ProposeTask>> = {
  "tabular-classification": proposeTabularClassification,
  "tabular-regression": proposeTabularRegression,
  clustering: proposeClustering,
  "anomaly-detection": proposeAnomalyDetection,
  "image-classification": proposeImageClassification,
  "object-detection": proposeObjectDetection,
  "image-segmentation": proposeImageSegmentation,
  "image-to-text": proposeImageToText,
  "text-classification": proposeTextClassification,
  "token-classification": proposeTokenClassification,
  "zero-shot-classification": proposeZeroShotClassification,
  "text-ranking": proposeTextRanking,
  "feature-extraction": proposeEmbedding,
  "sentence-similarity": proposeEmbedding,
  "text-generation": proposeGeneration,
  "text2text-generation": proposeTextToText,
  summarization: proposeTextToText,
  translation: proposeTextToText,
  "audio-classification": proposeAudioClassification,
  "audio-feature-extraction": proposeAudioFeatureExtraction,
  "automatic-speech-recognition": proposeSpeechRecognition,
  "voice-activity-detection": proposeVoiceActivity,
};

/**
 * The blocks of a task, from what the model and the sent files say, and from what models of the task usually have; the notes say what was assumed.
 * @throws ApiError `invalid_model` that says what to send, where nothing can be proposed
 */
export function propose(task: TaskKind, input: ProposalInput): Promise<ExportedTask> {
  return PROPOSALS[task](task, input);
}
