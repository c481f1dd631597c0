/** What one request may do: the platform limits its calls of storage. */
export class WorkBudget {
  #operations: number;
  #bytes: number;

  /**
   * @param operations calls of storage
   * @param bytes of a response
   */
  constructor(operations: number, bytes: number) {
    this.#operations = operations;
    this.#bytes = bytes;
  }

  get operations(): number {
    return Math.max(0, this.#operations);
  }

  get isSpent(): boolean {
    return this.#operations <= 0 || this.#bytes <= 0;
  }

  spend(operations: number, bytes = 0): void {
    this.#operations -= operations;
    this.#bytes -= bytes;
  }
}
