/** A session of the dashboard, which begins with its cookie. */
export interface OpenedSession {
  /** The value of `Set-Cookie`. */
  readonly cookie: string;
  /** ISO 8601. */
  readonly expiresAt: string;
}
