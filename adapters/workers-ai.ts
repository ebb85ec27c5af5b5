/**
 * Workers AI, a remote provider here: `@cf/{author}/{model}` in its own format, `v1/...` in OpenAI's.
 *
 * @module
 */
import { baseOf, defineProvider, hostPart, type Provider } from "../core/provider.ts";
import { dialectOf } from "./spoken.ts";

/** The row. A `base_url` stands in for the origin; `account_id` for the account of the URL. */
export const workersAI: Provider = defineProvider({
  slug: "workers-ai",
  baseURL: "https://api.cloudflare.com",
  dialect: dialectOf("workers-ai"),
  url(call) {
    const account = hostPart(
      call.settings.account_id ?? call.account,
      /^[\w-]+$/,
      "Cloudflare account id",
    );
    const path = /^(?:v1|run)(?:\/|$)/.test(call.path) ? call.path : `run/${call.path}`;
    return `${baseOf(this, call.settings)}/client/v4/accounts/${account}/ai/${path}`;
  },
  model: (path) => /^(?:run\/)?(@[\w-]+\/[^/]+\/[^/]+)/.exec(path)?.[1],
});
