/**
 * Baseten: OpenAI's format at its inference API; `model/{id}` is a dedicated deployment on a host of
 * its own.
 *
 * @module
 */
import { joinURL } from "../core/path.ts";
import { baseOf, defineProvider, hostPart, type Provider } from "../core/provider.ts";
import { dialectOf } from "./spoken.ts";

/** The row. A `base_url` stands in for the deployments' hosts as well. */
export const baseten: Provider = defineProvider({
  slug: "baseten",
  baseURL: "https://inference.baseten.co",
  dialect: dialectOf("baseten"),
  version: "v1",
  url(call) {
    const base = baseOf(this, call.settings);
    const [kind, id = "", ...rest] = call.path.split("/");
    if (kind !== "model") return joinURL(base, call.path, this.version);
    hostPart(id, /^[a-z0-9]{1,63}$/i, "Baseten model id");
    const origin = call.settings.base_url === undefined
      ? `https://model-${id}.api.baseten.co`
      : base.replace(/\/v1$/, "");
    return `${origin}/${rest.length === 0 ? "production/predict" : rest.join("/")}`;
  },
  model: (path) => /^model\/([^/]+)/.exec(path)?.[1],
});
