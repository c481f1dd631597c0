import * as z from "zod";

/** The limit of labels, and that of the characters of one. */
export const MAX_CANDIDATE_LABELS = 256;
const MAX_LABEL_CHARACTERS = 1000;

const label = z.string().min(1, "a label of at least one character").max(MAX_LABEL_CHARACTERS);

/** As Hugging Face's specification writes them; `transformers` also takes a text with commas. */
export const candidateLabelsField = z
  .union(
    [label, z.array(label).min(1).max(MAX_CANDIDATE_LABELS)],
    `1 to ${MAX_CANDIDATE_LABELS} labels of up to ${MAX_LABEL_CHARACTERS} characters`,
  )
  .optional()
  .describe("the labels that texts are classified by, a list, or a text with commas between them");
