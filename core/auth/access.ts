/**
 * Cloudflare Access in front of the gateway: its JWTs say who calls (spec 7.4).
 *
 * @module
 */
import type { createRemoteJWKSet, JWTPayload } from "jose";
import type { AccessConfig } from "../config/config.ts";
import { Code, GatewayError } from "../error.ts";

/** Who an Access JWT stands for. */
export interface AccessIdentity {
  /** `sub`; nothing for service tokens, which stand for no person. */
  userId: string | undefined;
}

/** What {@link Access} may use. */
export interface AccessOptions {
  fetch: typeof fetch;
  /** Milliseconds since 1970. */
  now(): number;
  /** Tells the operator. */
  report(message: string, cause?: unknown): void;
}

interface Verdict {
  identity: AccessIdentity | undefined;
  /** Milliseconds since 1970. */
  until: number;
}

/** Seconds by which clocks may differ. */
const tolerance = 30;
/** Milliseconds for which a JWT that was refused is refused again unread. */
const refusal = 5_000;
/** Milliseconds for which keys that could not be fetched are not asked for again. */
const pause = 2_000;
/** Most JWTs that are remembered, and the longest. */
const most = 2_000, longest = 16 * 1024;

/** Verifies the JWTs of one team. */
export class Access {
  readonly #config: AccessConfig;
  readonly #now: () => number;
  readonly #report: AccessOptions["report"];
  readonly #fetch: typeof fetch;
  /** Loaded when the first JWT comes: it is a third of what a worker would load at its start. */
  #jose: Promise<typeof import("jose")> | undefined;
  #keys: ReturnType<typeof createRemoteJWKSet> | undefined;
  readonly #verdicts = new Map<string, Verdict>();
  #awayUntil = 0;

  /** Fetches nothing yet. */
  constructor(config: AccessConfig, { fetch, now, report }: AccessOptions) {
    this.#config = config;
    this.#now = now;
    this.#report = report;
    this.#fetch = fetch;
  }

  #load(): Promise<typeof import("jose")> {
    return this.#jose ??= import("jose");
  }

  /** True for a text that says, unproven, that it is a JWT of this team. */
  async mayBe(text: string): Promise<boolean> {
    if (this.#verdicts.has(text)) return true;
    if (text.length > longest || !/^ey[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) return false;
    const { decodeJwt } = await this.#load();
    try {
      return decodeJwt(text).iss === this.#config.team_domain;
    } catch {
      return false;
    }
  }

  /** Who a JWT stands for, or nothing when it is not valid. Rejects with a 503 when nobody can tell. */
  verify(token: string): AccessIdentity | undefined | Promise<AccessIdentity | undefined> {
    const known = this.#verdicts.get(token);
    if (known !== undefined && this.#now() < known.until) return known.identity;
    return this.#verify(token);
  }

  async #verify(token: string): Promise<AccessIdentity | undefined> {
    if (token.length > longest) return undefined;
    const { createRemoteJWKSet, customFetch, errors, jwtVerify } = await this.#load();
    const { team_domain: issuer, audience, jwks_url } = this.#config;
    const keys = this.#keys ??= createRemoteJWKSet(
      new URL(jwks_url ?? `${issuer}/cdn-cgi/access/certs`),
      { [customFetch]: this.#fetch },
    );
    if (!keys.fresh && this.#now() < this.#awayUntil) throw unavailable();
    let verdict: Verdict;
    try {
      const { payload }: { payload: JWTPayload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ["RS256"],
        clockTolerance: tolerance,
        currentDate: new Date(this.#now()),
        requiredClaims: ["exp"],
      });
      const { sub, exp = 0 } = payload;
      const userId = typeof sub === "string" && sub !== "" ? sub : undefined;
      verdict = { identity: { userId }, until: (exp + tolerance) * 1000 };
    } catch (cause) {
      // With keys at hand it was an unknown one that was asked for.
      const aboutToken = cause instanceof errors.JOSEError && verdicts.test(cause.code);
      if (!aboutToken && !keys.fresh) {
        this.#awayUntil = this.#now() + pause;
        this.#report(
          `The keys of Cloudflare Access for '${issuer}' cannot be fetched`,
          cause,
        );
        throw unavailable(cause);
      }
      verdict = { identity: undefined, until: this.#now() + refusal };
    }
    this.#verdicts.delete(token);
    this.#verdicts.set(token, verdict);
    if (this.#verdicts.size > most) {
      for (const oldest of this.#verdicts.keys()) {
        this.#verdicts.delete(oldest);
        break;
      }
    }
    return verdict.identity;
  }
}

/** Codes of errors that are about the token, not about the keys it was to be checked with. */
const verdicts = /^ERR_(?:JW[TSE]_|JOSE_(?:ALG|NOT)_|JWKS_(?:NO|MULTIPLE)_)/;

function unavailable(cause?: unknown): GatewayError {
  return new GatewayError(
    503,
    Code.authUnavailable,
    "The keys of Cloudflare Access cannot be fetched; try again in a moment",
    { cause, headers: { "retry-after": "5" } },
  );
}
