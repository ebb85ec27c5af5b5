/**
 * A gateway under `/ai` of a Next.js app: pages call `/ai/openai/chat/completions` without a key, and
 * whoever has signed in to the app is lent the app's own.
 */
import {
  authenticated,
  caller,
  createGateway,
  definePlugin,
  GatewayError,
  log,
  rateLimit,
} from "../../../../../mod.ts";

/** Stands for what the app knows of its sessions. */
function userOf(request: Request): string | undefined {
  return /(?:^|; )user=(\w+)/.exec(request.headers.get("cookie") ?? "")?.[1];
}

const session = definePlugin("session", (ctx, next) => {
  const user = userOf(ctx.request);
  if (user === undefined) throw new GatewayError(401, 9001, "Sign in first");
  ctx.set(authenticated, true);
  ctx.set(caller, { metadata: { user } });
  return next();
});

const gateway = createGateway({
  plugins: [
    log(),
    session,
    rateLimit({ rules: [{ unit: "requests", limit: 20, window: 60, by: ["metadata.user"] }] }),
  ],
  keys: { openai: { default: { env: "OPENAI_API_KEY" } } },
  providers: {
    openai: { base_url: process.env["OPENAI_BASE_URL"] ?? "https://api.openai.com/v1" },
  },
  env: process.env,
});

export async function POST(request: Request): Promise<Response> {
  const url = new URL(request.url);
  url.pathname = url.pathname.replace(/^\/ai/, "");
  return await gateway.fetch(new Request(url, request));
}

export { POST as GET };
