/**
 * Names for the numbers of an array: their indices, those of several dimensions with commas. Leading dimensions of 1 have
 * none, as requests may leave them out.
 */
export function arrayNames(shape: readonly number[]): string[] {
  const start = shape.findIndex((size) => size !== 1);
  const sizes = start < 0 ? shape.slice(-1) : shape.slice(start);
  let names = [""];
  for (const size of sizes)
    names = names.flatMap((name) =>
      Array.from({ length: size }, (_, index) => (name === "" ? `${index}` : `${name},${index}`)),
    );
  return names;
}
