/** A provider whose key goes into its own header and whose host depends on the path. */
import {
  baseOf,
  createGateway,
  defineProvider,
  type Gateway,
  type GatewayOptions,
  hostPart,
} from "../mod.ts";

const acme = defineProvider({
  slug: "acme",
  baseURL: "https://{region}.acme.test/v2",
  key: { header: "x-acme-key" },
  url(call) {
    const [region = "", ...rest] = call.path.split("/");
    hostPart(region, /^[a-z]{2}$/, "region");
    return `${baseOf(this, call.settings).replace("{region}", region)}/${rest.join("/")}`;
  },
});

export function build(options: GatewayOptions = {}): Gateway {
  return createGateway({ ...options, adapters: [acme] });
}
