import { send } from "./request.ts";

export interface Session {
  readonly principal: string;
  readonly scopes: readonly string[];
  readonly expiresAt: string;
}

/** Begins a session: the key leaves the page with this request, and is kept nowhere. @throws RequestFailure */
export async function signIn(key: string): Promise<Session> {
  const response = await send("admin/session", {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
  });
  return (await response.json()) as Session;
}

/** Ends the session of the browser. @throws RequestFailure */
export async function signOut(): Promise<void> {
  await send("admin/session", { method: "DELETE" });
}
