/** What did not happen in time. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";

  constructor(milliseconds: number) {
    super(`no answer within ${milliseconds} ms`);
  }
}

/**
 * Waits for what another system answers. The call that is not waited for any longer may still take effect.
 * @throws NoAnswer after so many milliseconds; what the promise rejects with
 */
export function within<T>(answer: Promise<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new NoAnswer(milliseconds)), milliseconds);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
