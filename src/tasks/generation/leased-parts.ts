/**
 * Parts that are computed with something that is disposed when they have ended, in whatever way, or cannot be created. A generator
 * alone would not: its `finally` blocks do not run when `return` is called before the first part.
 * @throws what `create` throws
 */
export function leasedParts<T>(
  lease: Disposable,
  create: () => AsyncGenerator<T, undefined>,
): AsyncIterableIterator<T, undefined> {
  const dispose = (): void => lease[Symbol.dispose]();
  const parts = createOrElse(create, dispose);
  return {
    async next() {
      try {
        const result = await parts.next();
        if (result.done) dispose();
        return result;
      } catch (error) {
        dispose();
        throw error;
      }
    },
    async return() {
      try {
        // Waits for a part that is being computed.
        return await parts.return(undefined);
      } finally {
        dispose();
      }
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function createOrElse<T>(create: () => T, onError: () => void): T {
  try {
    return create();
  } catch (error) {
    onError();
    throw error;
  }
}
