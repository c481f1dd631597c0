/**
 * Ends this process when npm, which started it, has ended: a SIGTERM to npm ends npm and its shell, which do not forward
 * it. Ctrl-C in a terminal reaches every process by itself.
 */
export function endWithParent(): void {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.exit(0);
  }, 200).unref();
}
