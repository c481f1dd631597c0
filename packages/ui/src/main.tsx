import { render } from "preact";
import "./style.css";

render(<h1>onnxflare</h1>, document.getElementById("app") as HTMLElement);
