import { useMemo, useState } from "preact/hooks";
import { signOut } from "./api/session.ts";
import { SessionContext } from "./api/use-query.ts";
import { Shell } from "./components/shell.tsx";
import { AlertsPage } from "./pages/alerts.tsx";
import { LivePage } from "./pages/live.tsx";
import { ModelPage } from "./pages/model.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { SignInPage } from "./pages/sign-in.tsx";
import type { Place } from "./place.ts";
import { usePlace } from "./routing.ts";

/** Whether there is a session is known by the first response: the page cannot read its cookie. */
type SessionState = "assumed" | "ended" | "signed-out";

export function App() {
  const place = usePlace();
  const [session, setSession] = useState<SessionState>("assumed");
  const [hadSession, setHadSession] = useState(false);
  const observer = useMemo(
    () => ({ onData: () => setHadSession(true), onEnd: () => setSession("ended") }),
    [],
  );
  const [problem, setProblem] = useState<string>();
  const leave = async (): Promise<void> => {
    setProblem(undefined);
    await signOut().then(
      () => setSession("signed-out"),
      () => setProblem("The server cannot be reached, so the session goes on."),
    );
  };
  const enter = (): void => setSession("assumed");
  const [page = ""] = place.path;
  if (session !== "assumed")
    return (
      <Shell page={page}>
        <SignInPage hasEnded={session === "ended" && hadSession} onSignIn={enter} />
      </Shell>
    );
  return (
    <SessionContext.Provider value={observer}>
      <Shell page={page} onSignOut={() => void leave()}>
        {problem !== undefined && (
          <p class="notice" role="alert">
            {problem}
          </p>
        )}
        <Page place={place} />
      </Shell>
    </SessionContext.Provider>
  );
}

function Page({ place }: { readonly place: Place }) {
  const [page = "", model = "", tab = ""] = place.path;
  switch (page) {
    case "live":
      return <LivePage query={place.query} />;
    case "alerts":
      return <AlertsPage />;
    case "models":
      if (model) return <ModelPage key={model} model={model} tab={tab} query={place.query} />;
      return <OverviewPage query={place.query} />;
    default:
      return <OverviewPage query={place.query} />;
  }
}
