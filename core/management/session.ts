/**
 * A browser's stand-in for the admin token: a cookie that says until when it is good, signed with a key that
 * is made from the token. Nothing is stored; another token ends all sessions.
 *
 * @module
 */

/** Name of the cookie. */
export const sessionCookie = "sluice_session";
/** Seconds that a session lasts. */
export const sessionSeconds: number = 12 * 3600;

const encoder = new TextEncoder();

/** A new session's value. */
export async function newSession(token: string, now: number): Promise<string> {
  const until = String(Math.floor(now / 1000) + sessionSeconds);
  return `${until}.${
    hex(await crypto.subtle.sign("HMAC", await keyOf(token), encoder.encode(until)))
  }`;
}

/** Whether the request brings a session of this token that is still good, from the gateway's own page. */
export async function hasSession(headers: Headers, token: string, now: number): Promise<boolean> {
  return fromOwnPage(headers) && await isSession(headers, token, now);
}

/** The same of a request from anywhere: for a document, which nobody but its reader gets to see. */
export async function isSession(headers: Headers, token: string, now: number): Promise<boolean> {
  const value = new RegExp(`(?:^|; *)${sessionCookie}=(\\d{1,12})\\.([0-9a-f]{64})(?:;|$)`)
    .exec(headers.get("cookie") ?? "");
  if (value === null) return false;
  const [, until = "", signature = ""] = value;
  if (Number(until) * 1000 <= now) return false;
  const bytes = Uint8Array.from(signature.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  return await crypto.subtle.verify("HMAC", await keyOf(token), bytes, encoder.encode(until));
}

/** The cookie goes with requests of other sites' pages nowhere (`SameSite`); this is for old browsers. */
function fromOwnPage(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site") ?? "same-origin";
  const origin = headers.get("origin");
  return site === "same-origin" &&
    (origin === null || origin.replace(/^https?:\/\//, "") === headers.get("host"));
}

function keyOf(token: string): Promise<CryptoKey> {
  const bytes = encoder.encode(`sluice session: ${token}`);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign", "verify"]);
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
