/**
 * Azure OpenAI: `{resource}/{deployment}/{endpoint}?api-version=...` names the host and the
 * deployment in the path. The newer surface is reached as `{resource}/openai/v1/{endpoint}`, Foundry's
 * other models as `{resource}/models/{endpoint}` and `{resource}/anthropic/v1/messages`.
 *
 * @module
 */
import { Code, GatewayError } from "../core/error.ts";
import { baseOf, defineProvider, hostPart, type Provider } from "../core/provider.ts";
import { dialectOf } from "./spoken.ts";

/** The row. A `base_url` stands in for the origin. */
export const azureOpenAI: Provider = defineProvider({
  slug: "azure-openai",
  aliases: ["azure"],
  baseURL: "https://{resource}.{domain}",
  dialect: dialectOf("azure-openai"),
  key: { header: "api-key" },
  url(call) {
    const [resource = "", ...rest] = call.path.split("/");
    hostPart(resource, /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i, "Azure resource name");
    const path = rest.join("/");
    const foundry = /^(?:models|anthropic\/v1)\//.test(path);
    const origin = baseOf(this, call.settings)
      .replace("{resource}", resource)
      .replace("{domain}", foundry ? "services.ai.azure.com" : "openai.azure.com");
    if (rest.length < 2) {
      throw new GatewayError(
        400,
        Code.badPath,
        "An Azure OpenAI path is {resource}/{deployment}/{endpoint}, or {resource}/openai/v1/{endpoint}",
      );
    }
    // So a deployment cannot be named `openai` or `models`, which Azure's own paths begin with.
    const whole = foundry || rest[0] === "openai";
    return whole ? `${origin}/${path}` : `${origin}/openai/deployments/${path}`;
  },
  /** The deployment. */
  model: (path) =>
    /^[^/]+\/(?:openai\/deployments\/|(?!(?:openai|models|anthropic\/v1)\/))([^/]+)\//.exec(path)
      ?.[1],
});
