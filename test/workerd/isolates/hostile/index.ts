export const ModelIsolate = class {};
