/** The model of the template. */
export const TEMPLATE_MODEL = "iris-logistic";

/** What a new project may have in its folder of models. */
export const INIT_MODELS = [TEMPLATE_MODEL, "none"] as const;

export type InitModels = (typeof INIT_MODELS)[number];
