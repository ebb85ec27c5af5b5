/**
 * fal: synchronous runs at `fal.run`; its client's proxy protocol sends the whole target URL in
 * `x-fal-target-url`, for the queue and the storage hosts too.
 *
 * @module
 */
import { Code, GatewayError } from "../core/error.ts";
import { assertSafePath } from "../core/path.ts";
import { baseOf, defineProvider, type Provider } from "../core/provider.ts";
import { dialectOf } from "./spoken.ts";

/** The row. A `base_url` stands in for all of fal's hosts. */
export const fal: Provider = defineProvider({
  slug: "fal",
  aliases: ["fal-ai"],
  baseURL: "https://fal.run",
  format: "none",
  dialect: dialectOf("fal"),
  key: { header: "authorization", scheme: "Key" },
  url(call) {
    const base = baseOf(this, call.settings);
    const target = call.client.get("x-fal-target-url");
    if (target === null) return call.path === "" ? base : `${base}/${call.path}`;
    const url = URL.canParse(target) ? new URL(target) : undefined;
    if (
      url?.protocol !== "https:" || url.username + url.password + url.port !== "" ||
      !/^(?:[a-z0-9-]+\.)*fal\.(?:run|ai)$/.test(url.hostname)
    ) {
      throw new GatewayError(
        400,
        Code.badHeader,
        "The header 'x-fal-target-url' must hold an https URL on fal.run, fal.ai or a host below them",
      );
    }
    // The target is whole: a query of the gateway's URL is not the provider's.
    assertSafePath(url.pathname);
    call.query = url.search;
    return (call.settings.base_url === undefined ? url.origin : base) + url.pathname;
  },
  model(path, client) {
    const target = client.get("x-fal-target-url");
    const url = target === null ? undefined : URL.parse(target);
    if (url !== undefined && !/^(?:[a-z]+\.)?fal\.run$/.test(url?.hostname ?? "")) return undefined;
    return (url?.pathname.slice(1) ?? path).replace(/\/requests\/.*$/, "") || undefined;
  },
});
