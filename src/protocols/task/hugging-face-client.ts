/**
 * Hugging Face's own clients expect the classification of one text inside a further list, which their servers add,
 * although the specification of the task has none
 * (https://huggingface.co/docs/inference-providers/tasks/text-classification). They are recognized by their user agent:
 * `@huggingface/inference/4.13.30`, `unknown/None; hf_hub/2.4.0; python/3.11.7`.
 */
const CLIENT = /(?:^|[\s;])(?:@huggingface\/inference|hf_hub|huggingface_hub)\//;

/** @param userAgent the header */
export function isHuggingFaceClient(userAgent: string | undefined): boolean {
  return userAgent !== undefined && CLIENT.test(userAgent);
}
