/**
 * The dashboard: a page that is served here, and signing in to it. What it shows it gets from the management
 * API, as any other client.
 *
 * @module
 */
import type { Host } from "../host.ts";
import { type AdminOptions, createAccess } from "../management/access.ts";
import { failure } from "../management/answer.ts";
import {
  hasSession,
  isSession,
  newSession,
  sessionCookie,
  sessionSeconds,
} from "../management/session.ts";
import { runtimeName } from "../runtime.ts";
import { version } from "../version.ts";
import { assets, documents } from "./assets.ts";

/** What {@link createDashboard} needs. */
export interface DashboardOptions {
  host: Host;
  /** The account that the configuration names. */
  account?: string | undefined;
  admin: AdminOptions;
  report(message: string, cause?: unknown): void;
}

/** Answers a request below `/dashboard`. */
export type Dashboard = (request: Request, path: string, ip?: string) => Promise<Response>;

/** The page and what it loads is all there is; nothing may be put into it, and it into nothing. */
const policy = [
  "default-src 'none'",
  ...["script-src", "style-src", "connect-src", "font-src"].map((what) => `${what} 'self'`),
  "img-src 'self' data: blob:",
  "media-src 'self' data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const common: Readonly<Record<string, string>> = {
  "content-security-policy": policy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
};

/** Builds the dashboard of one gateway. */
export function createDashboard({ host, account, admin, report }: DashboardOptions): Dashboard {
  const access = createAccess(admin, { metrics: host.metrics, now: host.now, report });
  const token = admin.token?.trim() || undefined;

  /** What the page gets to know of the gateway. */
  const stateFor = (isIn: boolean): Record<string, unknown> => ({
    signed_in: isIn,
    token: token !== undefined,
    ...isIn && {
      version,
      runtime: runtimeName(),
      account,
      /** Provider keys can be stored. */
      encrypts: host.providerKeys.readable,
    },
  });

  /** `GET` tells who is signed in, `POST` with the admin token signs in, `DELETE` signs out. */
  async function session(request: Request, ip: string | undefined): Promise<Response> {
    // Behind a proxy only the page's origin tells how the browser came.
    const came = [request.url, request.headers.get("origin") ?? ""];
    const secure = came.some((url) => url.startsWith("https:")) ? "; Secure" : "";
    const cookie = (value: string, seconds: number) =>
      `${sessionCookie}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`;
    const headers: Record<string, string> = { "cache-control": "no-store" };
    switch (request.method) {
      case "GET": {
        const isIn = token === undefined || await hasSession(request.headers, token, host.now());
        return Response.json(stateFor(isIn), { headers });
      }
      case "POST":
        await access?.(request, ip);
        if (token !== undefined) {
          headers["set-cookie"] = cookie(await newSession(token, host.now()), sessionSeconds);
        }
        return Response.json({ signed_in: true }, { headers });
      case "DELETE":
        headers["set-cookie"] = cookie("", 0);
        return Response.json({ signed_in: false }, { headers });
      default:
        return new Response(null, { status: 405, headers: { allow: "GET, POST, DELETE" } });
    }
  }

  /** Whoever is signed in finds that in it, so that the page can ask the API as soon as it is there. */
  async function documentOf({ method, headers }: Request, page: string): Promise<Response> {
    const isIn = token === undefined || await isSession(headers, token, host.now());
    const state = isIn ? JSON.stringify(stateFor(true)) : "";
    const escaped = state.replace(/[&"<]/g, (char) => `&#${char.charCodeAt(0)};`);
    const text = documents[page]!.replace("{state}", () => escaped);
    return new Response(method === "HEAD" ? null : text, {
      headers: {
        ...common,
        "content-type": "text/html; charset=utf-8",
        "cache-control": "private, no-cache",
      },
    });
  }

  return async (request, path, ip) => {
    try {
      if (token === undefined) await access?.(request, ip); // from this machine only
      if (path === "/dashboard/session") return await session(request, ip);
      if (request.method !== "GET" && request.method !== "HEAD") {
        return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
      }
      const name = path.slice("/dashboard".length).replace(/^\//, "");
      if (name.startsWith("assets/")) return await file(request, name);
      const page = name.split("/")[0]!;
      return await documentOf(request, Object.hasOwn(documents, page) ? page : "overview");
    } catch (error) {
      return failure(error, report);
    }
  };
}

/** Bytes of files that were asked for. */
const unpacked = new Map<string, Uint8Array<ArrayBuffer>>();

/** One of the files that the page loads. */
async function file({ method, headers: asked }: Request, name: string): Promise<Response> {
  if (!Object.hasOwn(assets, name)) return new Response(null, { status: 404 });
  const { type, tag, gzip } = assets[name]!;
  const headers = new Headers({
    ...common,
    "content-type": type,
    "cache-control": "public, max-age=31536000, immutable",
    etag: `"${tag}"`,
    vary: "accept-encoding",
  });
  if (asked.get("if-none-match") === `"${tag}"`) {
    return new Response(null, { status: 304, headers });
  }
  let bytes = unpacked.get(name);
  if (bytes === undefined) {
    bytes = Uint8Array.from(atob(gzip), (char) => char.charCodeAt(0));
    unpacked.set(name, bytes);
  }
  if (/\bgzip\b/.test(asked.get("accept-encoding") ?? "")) {
    headers.set("content-encoding", "gzip");
    headers.set("content-length", String(bytes.length));
    return new Response(method === "HEAD" ? null : bytes, {
      headers,
      encodeBody: "manual", // or workerd would compress it once more
    } as ResponseInit);
  }
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(method === "HEAD" ? null : plain, { headers });
}
