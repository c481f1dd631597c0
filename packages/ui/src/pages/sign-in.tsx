import { useEffect, useRef, useState } from "preact/hooks";
import { RequestFailure } from "../api/request.ts";
import { signIn } from "../api/session.ts";

interface SignInProps {
  readonly hasEnded: boolean;
  readonly onSignIn: () => void;
}

export function SignInPage({ hasEnded, onSignIn }: SignInProps) {
  const input = useRef<HTMLInputElement>(null);
  const [isSending, setSending] = useState(false);
  const [problem, setProblem] = useState<string>();
  useEffect(() => input.current?.focus(), []);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const key = input.current?.value.trim() ?? "";
    if (key === "") {
      setProblem("Enter a key.");
      input.current?.focus();
      return;
    }
    setSending(true);
    try {
      const { scopes } = await signIn(key);
      if (scopes.includes("metrics") || scopes.includes("admin")) return onSignIn();
      setProblem(
        `This key may not read metrics. It has the scopes ${scopes.join(", ") || "none"}; the dashboard needs metrics.`,
      );
    } catch (error) {
      setProblem(describe(error));
    }
    setSending(false);
    input.current?.select();
  };

  return (
    <div class="sign-in card">
      <h1>{hasEnded ? "The session has ended" : "Sign in"}</h1>
      <p class="muted">
        {hasEnded
          ? "A session lasts an hour, and ends with its key. Sign in again to go on where you were."
          : "With an API key that has the scope metrics, or with ADMIN_KEY. It begins a session of an hour; the key itself is kept nowhere."}
      </p>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <label for="key">Key</label>
        <input
          id="key"
          ref={input}
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          aria-describedby="problem"
          aria-invalid={problem !== undefined}
        />
        <p id="problem" class="problem" role="alert">
          {problem}
        </p>
        <button type="submit" class="primary" disabled={isSending}>
          {isSending ? "Signing in …" : "Sign in"}
        </button>
      </form>
    </div>
  );
}

function describe(error: unknown): string {
  if (!(error instanceof RequestFailure)) return "The response of the server cannot be read.";
  if (error.status === 401) return "This key is not valid.";
  return error.message;
}
