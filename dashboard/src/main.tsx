import { render } from "preact";
import "./style.css";
import { App } from "./shell.tsx";

render(<App />, document.getElementById("app")!);
