import { useEffect, useState } from "preact/hooks";
import { type Place, parsePlace } from "./place.ts";

/** Goes to a place without another entry in the history. */
export function replacePlace(link: string): void {
  history.replaceState(null, "", link);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

export function usePlace(): Place {
  const [place, setPlace] = useState(() => parsePlace(location.hash));
  useEffect(() => {
    const update = (): void => setPlace(parsePlace(location.hash));
    addEventListener("hashchange", update);
    return () => removeEventListener("hashchange", update);
  }, []);
  return place;
}
