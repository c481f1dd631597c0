interface Kept<A, T> {
  readonly args: A;
  readonly value: T;
}

/** Keeps the result of the latest arguments. */
export function latest<A extends readonly string[], T>(
  create: (...args: A) => T,
): (...args: A) => T {
  let kept: Kept<A, T> | undefined;
  return (...args) => {
    if (!isOf(kept, args)) kept = { args, value: create(...args) };
    return kept.value;
  };
}

/** The same for a promise, whose value is kept: the promise itself never settles when its request is ended meanwhile. */
export function latestFulfilled<A extends readonly string[], T>(
  create: (...args: A) => Promise<T>,
): (...args: A) => Promise<T> {
  let kept: Kept<A, T> | undefined;
  return async (...args) => {
    if (isOf(kept, args)) return kept.value;
    const value = await create(...args);
    kept = { args, value };
    return value;
  };
}

function isOf<A extends readonly string[], T>(
  kept: Kept<A, T> | undefined,
  args: A,
): kept is Kept<A, T> {
  return kept?.args.every((arg, index) => arg === args[index]) === true;
}
