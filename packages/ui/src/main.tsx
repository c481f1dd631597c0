import { render } from "preact";

render(<h1>onnxflare</h1>, document.getElementById("app") as HTMLElement);
