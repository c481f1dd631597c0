/** Exits on a termination signal, so that `exit` listeners stop everything that the program has started. */
export function exitOnSignal(): void {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)
    process.once(signal, () => process.exit(code));
}
