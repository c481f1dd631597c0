/** The name of the model that reads the inputs, among `models`: the main model is the decoder. */
export const ENCODER = "encoder";
