/**
 * Google's service accounts: each becomes an access token, which is kept, and fetched anew before it ends.
 *
 * @module
 */
import { Code, GatewayError } from "../core/error.ts";
import type { Call } from "../core/provider.ts";

/** Where Google mints tokens; the `token_uri` in a service account is never followed. */
const tokenURL = "https://oauth2.googleapis.com/token";

/** The parts of one that are needed. */
interface ServiceAccount {
  project_id?: string;
  client_email: string;
  private_key: string;
  private_key_id?: string;
}

/** The account that a stored secret is, or else the text that a client sent as its token. */
export function accountOf(
  stored: string | undefined,
  sent: string | undefined,
): ServiceAccount | undefined {
  return parseAccount(stored) ?? (sent === undefined ? undefined : fromBase64(sent));
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
export async function accessToken(account: ServiceAccount, call: Call): Promise<string> {
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
