/**
 * Google Vertex AI: the location in the path names the host. A service account, stored or sent as
 * `Bearer base64(JSON)`, becomes an access token that is cached and refreshed; `ya29.` tokens pass.
 *
 * @module
 */
import { Code, GatewayError } from "../core/error.ts";
import { baseOf, defineProvider, hostPart, type Provider } from "../core/provider.ts";
import { dialectOf } from "./spoken.ts";
import { modelBeforeMethod } from "./rows.ts";

// Who does not ask Vertex AI need not load it.
let accounts: typeof import("./google-account.ts") | undefined;

/** The row. A `base_url` stands in for the origin, `token_url` for Google's token endpoint. */
export const googleVertexAI: Provider = defineProvider({
  slug: "google-vertex-ai",
  aliases: ["google-vertex", "vertex"],
  baseURL: "https://{host}",
  format: "gemini",
  url(call) {
    const location = /(?:^|\/)locations\/([^/]*)/.exec(call.path)?.[1];
    const host = hostOf(location ?? "global");
    return `${baseOf(this, call.settings).replace("{host}", host)}/${call.path}`;
  },
  dialect: dialectOf("google-vertex-ai"),
  model: modelBeforeMethod,
  async authorize(call, key) {
    const sent = /^Bearer\s+(\S+)$/i.exec(call.headers["authorization"] ?? "")?.[1];
    const { accessToken, accountOf } = accounts ??= await import("./google-account.ts");
    const account = accountOf(key, sent);
    if (account !== undefined) {
      call.headers["authorization"] = `Bearer ${await accessToken(account, call)}`;
      call.url = inProject(call.url, account.project_id);
    } else if (key !== undefined) {
      // A stored secret that is no service account: an access token, or an API key of express mode.
      if (key.startsWith("ya29.")) call.headers["authorization"] = `Bearer ${key}`;
      else {
        call.headers["x-goog-api-key"] = key;
        // Express mode has neither project nor location.
        call.url = call.url.replace(/\/projects\/-\/locations\/[^/]+\//, "/");
      }
    }
    if (call.url.includes("/projects/-/")) throw noProject();
  },
});

/** The unified API names no project where the configuration has none. */
function inProject(url: string, project: string | undefined): string {
  return project === undefined
    ? url
    : url.replace("/projects/-/", `/projects/${encodeURIComponent(project)}/`);
}

function noProject(): GatewayError {
  return new GatewayError(
    400,
    Code.badCredential,
    "'google-vertex-ai' needs a project: set providers.google-vertex-ai.project, or use the key of a " +
      "service account that names one",
  );
}

function hostOf(location: string): string {
  if (location === "global") return "aiplatform.googleapis.com";
  if (location === "us" || location === "eu") return `aiplatform.${location}.rep.googleapis.com`;
  hostPart(location, /^[a-z]{2,20}-[a-z]{2,20}\d{1,2}$/, "Google Cloud location");
  return `${location}-aiplatform.googleapis.com`;
}
