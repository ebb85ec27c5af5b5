// A gateway whose providers are functions, asked through the unified API.
import { providers } from "../../adapters/mod.ts";
import { loadDialects } from "../../adapters/spoken.ts";
import { createGateway } from "../../mod.ts";
import type { GatewayOptions } from "../../core/gateway.ts";
import type { ChatFormat } from "../../core/unified/chat.ts";
import type { Provider } from "../../core/provider.ts";
import type { Fetch } from "./unified-clients.ts";

await loadDialects();

/** A provider that is asked in one of its formats only. */
export function speaking(slug: string, format: ChatFormat): Provider {
  const row = providers.find((one) => one.slug === slug);
  if (row === undefined) throw new Error(`No provider '${slug}'`);
  const { serves: _, ...dialect } = row.dialect ?? {};
  // Mantle, and what others serve beside their own format.
  const elsewhere = slug === "aws-bedrock" ? "bedrock-mantle/us-east-1/v1/chat" : "v1/chat";
  const path = dialect.chat?.[format] ?? elsewhere;
  return { ...row, dialect: { ...dialect, chat: { [format]: path } } };
}

/** A gateway whose every provider is `answer`. */
export function gatewayOver(
  answer: (request: Request) => Response | Promise<Response>,
  options: GatewayOptions = {},
): Fetch {
  const gateway = createGateway({
    providers: { "google-vertex-ai": { project: "some-project" } },
    ...options,
    fetch: async (input, init) => await answer(new Request(input, init)),
    report: (message, cause) => {
      throw new Error(message, { cause });
    },
  });
  return (request) => gateway.fetch(request);
}
