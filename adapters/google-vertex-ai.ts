/**
 * Google Vertex AI: the location in the path names the host. A service account, stored or sent as
 * `Bearer base64(JSON)`, becomes an access token that is cached and refreshed; `ya29.` tokens pass.
 *
 * @module
 */
import { Code, GatewayError } from "../core/error.ts";
import { baseOf, type Call, defineProvider, hostPart, type Provider } from "../core/provider.ts";
import { dialectOf } from "./spoken.ts";
import { modelBeforeMethod } from "./rows.ts";

/** Where Google mints tokens; the `token_uri` in a service account is never followed. */
const tokenURL = "https://oauth2.googleapis.com/token";

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
    const account = parseAccount(key) ?? (sent === undefined ? undefined : fromBase64(sent));
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

interface ServiceAccount {
  project_id?: string;
  client_email: string;
  private_key: string;
  private_key_id?: string;
}

function fromBase64(text: string): ServiceAccount | undefined {
  if (!text.startsWith("ey") && !text.startsWith("ew")) return undefined; // base64 of `{"` and `{\n`
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return parseAccount(new TextDecoder().decode(Uint8Array.from(binary, (c) => c.charCodeAt(0))));
  } catch {
    return undefined; // a JWT or another token: not ours to judge
  }
}

function parseAccount(text: string | undefined): ServiceAccount | undefined {
  if (text === undefined || !text.trimStart().startsWith("{")) return undefined;
  let value: Partial<ServiceAccount>;
  try {
    value = JSON.parse(text);
  } catch {
    throw badAccount();
  }
  if (typeof value.client_email !== "string" || typeof value.private_key !== "string") {
    throw badAccount();
  }
  return value as ServiceAccount;
}

function badAccount(cause?: unknown): GatewayError {
  return new GatewayError(
    400,
    Code.badCredential,
    "The credential for 'google-vertex-ai' is not a service account: JSON with 'client_email' and a " +
      "PKCS #8 'private_key' is expected",
    { cause },
  );
}

interface Token {
  value: Promise<string>;
  /** Milliseconds since 1970; from then on a new one is fetched. */
  renewAt: number;
}

/** Tokens that are kept: callers may send service accounts of their own. */
const mostTokens = 200;
/** Characters of a private key, of 4096 bits and a little more: to sign with one of 16,384 takes seconds. */
const longestKey = 5_000;

/** One token per service account; callers that come while it is fetched wait for the same one. */
async function accessToken(account: ServiceAccount, call: Call): Promise<string> {
  if (account.private_key.length > longestKey) throw badAccount();
  const { memo, now } = call.tools;
  // The key is part of the name: who only knows an account's address must not get its token.
  const name = `vertex:${await digest(`${account.client_email}\n${account.private_key}`)}`;
  const known = memo.get(name) as Token | undefined;
  if (known !== undefined && now() < known.renewAt) return known.value;
  for (const oldest of memo.keys()) {
    if (memo.size < mostTokens) break;
    memo.delete(oldest);
  }
  const token: Token = { renewAt: Infinity, value: Promise.resolve("") };
  token.value = mint(account, call).then(
    ({ access_token, expires_in }) => {
      token.renewAt = now() + (expires_in - 60) * 1000;
      return access_token;
    },
    (error) => {
      if (memo.get(name) === token) memo.delete(name);
      throw error;
    },
  );
  memo.set(name, token);
  return token.value;
}

async function mint(account: ServiceAccount, call: Call) {
  const audience = call.settings.token_url ?? tokenURL;
  const issued = Math.floor(call.tools.now() / 1000);
  const { importPKCS8, SignJWT } = await import("jose"); // seldom needed, and large
  const assertion = await importPKCS8(account.private_key, "RS256").then(
    (key) =>
      new SignJWT({ scope: "https://www.googleapis.com/auth/cloud-platform" })
        .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: account.private_key_id })
        .setIssuer(account.client_email)
        .setAudience(audience)
        .setIssuedAt(issued)
        .setExpirationTime(issued + 3600)
        .sign(key),
  ).catch((error) => {
    throw badAccount(error);
  });
  let answer: { access_token?: unknown; expires_in?: unknown; error?: unknown } = {};
  let status = 0;
  try {
    const response = await call.tools.fetch(audience, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
        assertion,
      }),
      redirect: "manual",
      signal: AbortSignal.timeout(10_000), // or one lost answer would hold up every caller
    });
    status = response.status;
    answer = await response.json();
  } catch (cause) {
    throw new GatewayError(502, Code.upstreamFailed, "Google's token endpoint did not answer", {
      cause,
    });
  }
  const { access_token, expires_in } = answer;
  if (typeof access_token !== "string" || typeof expires_in !== "number") {
    const reason = typeof answer.error === "string" ? ` (${answer.error.slice(0, 100)})` : "";
    throw new GatewayError(
      status >= 500 ? 502 : 401,
      status >= 500 ? Code.upstreamFailed : Code.badCredential,
      `Google's token endpoint refused the service account with status ${status}${reason}`,
    );
  }
  return { access_token, expires_in };
}

async function digest(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
