/**
 * Hugging Face's own clients take the answer to one text of a text classification out of one more list, which
 * their servers put around it, though the specification of the task has none
 * (https://huggingface.co/docs/inference-providers/tasks/text-classification). They say who they are:
 * `@huggingface/inference/4.13.30`, `unknown/None; hf_hub/2.4.0; python/3.11.7`.
 */
const CLIENT = /(?:^|[\s;])(?:@huggingface\/inference|hf_hub|huggingface_hub)\//;

/** @param userAgent the header */
export function isHuggingFaceClient(userAgent: string | undefined): boolean {
  return userAgent !== undefined && CLIENT.test(userAgent);
}
