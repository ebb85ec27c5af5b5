/**
 * Replicate. Its answers hold stream URLs on other hosts of its own; such a host may stand as the
 * first segment: `replicate/stream.replicate.com/v1/...`.
 *
 * @module
 */
import { firstSegment, joinURL } from "../core/path.ts";
import { baseOf, defineProvider, type Provider } from "../core/provider.ts";

/** The row. A `base_url` stands in for the stream hosts as well. */
export const replicate: Provider = defineProvider({
  slug: "replicate",
  baseURL: "https://api.replicate.com/v1",
  format: "none",
  url(call) {
    const base = baseOf(this, call.settings);
    const host = firstSegment(call.path);
    if (!/^(?:[a-z0-9-]+\.)+replicate\.(?:com|net)$/.test(host)) return joinURL(base, call.path);
    const rest = call.path.slice(host.length + 1);
    return call.settings.base_url === undefined ? `https://${host}/${rest}` : joinURL(base, rest);
  },
  model: (path) => /^(?:[^/]+\.[^/]+\/)?(?:v1\/)?models\/([^/]+\/[^/]+)\//.exec(path)?.[1],
});
