/** The parts; `end` is called when they have ended, in whatever way. */
export function whenEnded<T>(parts: AsyncIterable<T>, end: () => void): AsyncIterable<T> {
  return {
    // Not a generator: one that was not started would not end the parts.
    [Symbol.asyncIterator]() {
      const iterator = parts[Symbol.asyncIterator]();
      return {
        async next() {
          try {
            const result = await iterator.next();
            if (result.done) end();
            return result;
          } catch (error) {
            end();
            throw error;
          }
        },
        async return() {
          try {
            await iterator.return?.();
          } finally {
            end();
          }
          return { done: true, value: undefined };
        },
      };
    },
  };
}
