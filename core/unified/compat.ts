/**
 * Where the unified API comes in: what a request names is a model, and the provider follows from it.
 *
 * @module
 */
import { Code, GatewayError } from "../error.ts";
import type { Provider } from "../provider.ts";

/** Stands where a provider stands as long as it is not known which one it will be. */
export const compat: Provider = {
  slug: "compat",
  baseURL: "https://compat.invalid",
  format: "none",
  url() {
    throw new GatewayError(501, Code.notServed, "The unified API needs the plugin 'unified'");
  },
};
