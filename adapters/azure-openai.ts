/**
 * Azure OpenAI: `{resource}/{deployment}/{endpoint}?api-version=...` names the host and the
 * deployment in the path. The newer surface is reached as `{resource}/openai/v1/{endpoint}`.
 *
 * @module
 */
import { Code, GatewayError } from "../core/error.ts";
import { baseOf, defineProvider, hostPart, type Provider } from "../core/provider.ts";

/** The row. A `base_url` stands in for the origin. */
export const azureOpenAI: Provider = defineProvider({
  slug: "azure-openai",
  aliases: ["azure"],
  baseURL: "https://{resource}.openai.azure.com",
  key: { header: "api-key" },
  url(call) {
    const [resource = "", ...rest] = call.path.split("/");
    hostPart(resource, /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i, "Azure resource name");
    const origin = baseOf(this, call.settings).replace("{resource}", resource);
    const path = rest.join("/");
    if (rest.length < 2) {
      throw new GatewayError(
        400,
        Code.badPath,
        "An Azure OpenAI path is {resource}/{deployment}/{endpoint}, or {resource}/openai/v1/{endpoint}",
      );
    }
    // A deployment may not be named `openai`: the segment is reserved in Azure's own paths.
    return rest[0] === "openai" ? `${origin}/${path}` : `${origin}/openai/deployments/${path}`;
  },
});
