/**
 * Hugging Face: its router serves OpenAI's format at `v1/...`, each partner at `{partner}/...`, and
 * the classic tasks at `hf-inference/models/{model}`. The older URL form, a bare model id after the
 * slug, leads to the last.
 *
 * @module
 */
import { baseOf, defineProvider, type Provider } from "../core/provider.ts";
import { dialectOf } from "./spoken.ts";

/** The row. A `base_url` stands in for the origin. */
export const huggingface: Provider = defineProvider({
  slug: "huggingface",
  aliases: ["hf"],
  baseURL: "https://router.huggingface.co",
  dialect: dialectOf("huggingface"),
  url(call) {
    return `${baseOf(this, call.settings)}/${onRouter(call.path)}`;
  },
  model(path) {
    const routed = onRouter(path);
    // fal's models are its paths, whatever the body says.
    if (routed.startsWith("fal-ai/")) return routed;
    return /^hf-inference\/models\/(.+?)(?:\/(?:pipeline|v1)\/.*)?$/.exec(routed)?.[1];
  },
});

function onRouter(path: string): string {
  const bare = path.startsWith("models/") ? path.slice(7) : path;
  const [first = "", second, third] = bare.split("/");
  if (bare === path) {
    if (first === "v1" || first === "hf-inference") return path;
    const task = first === "pipeline" && second !== undefined && third !== undefined;
    if (task) return `hf-inference/models/${path.split("/").slice(2).join("/")}/pipeline/${second}`;
    // `{owner}/{model}` has two segments, or a model's own endpoint behind them; a partner's path has more.
    const ofModel = third === undefined || third === "pipeline" || third === "v1";
    if (!ofModel || (second !== undefined && /^v\d+$/.test(second))) return path;
  }
  return `hf-inference/models/${bare}`;
}
