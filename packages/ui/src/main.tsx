import { render } from "preact";
import { App } from "./app.tsx";
import "./style.css";
import { applyStoredTheme } from "./theme.ts";

applyStoredTheme();
render(<App />, document.getElementById("app") as HTMLElement);
