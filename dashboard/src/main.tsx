import { render } from "preact";
import "./style.css";
import { App, ready } from "./shell.tsx";

await ready;
render(<App />, document.getElementById("app")!);
