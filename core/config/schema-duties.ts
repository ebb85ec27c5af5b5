/**
 * The schema of exports and alerts.
 *
 * @module
 */
import * as v from "valibot";

const text = v.pipe(v.string(), v.minLength(1));
const seconds = v.pipe(v.number(), v.minValue(1), v.maxValue(86_400 * 31));
const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const secret = v.union([text, v.strictObject({ env: text })], "text, or an object with 'env'");
const url = v.pipe(text, v.check(isHTTP, "an absolute http(s) URL without user and fragment"));

const any = {
  name: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "a name in lower case")),
  gateways: v.optional(v.array(text)),
  bodies: v.optional(v.boolean()),
  body_bytes: v.optional(count),
  interval: v.optional(seconds),
  batch_rows: v.optional(v.pipe(count, v.maxValue(100_000))),
  batch_bytes: v.optional(v.pipe(count, v.maxValue(100 * 1024 * 1024))),
  timeout: v.optional(seconds),
};

/** `exports`. */
export const exportsSchema = v.pipe(
  v.array(v.variant("to", [
    v.strictObject({
      ...any,
      to: v.literal("s3"),
      url,
      bucket: v.optional(v.pipe(text, v.regex(/^[\w.-]+$/, "the name of a bucket"))),
      prefix: v.optional(v.string()),
      region: v.optional(text),
      access_key_id: secret,
      secret_access_key: secret,
      session_token: v.optional(secret),
    }),
    v.strictObject({
      ...any,
      to: v.literal("http"),
      url,
      headers: v.optional(
        v.record(v.pipe(v.string(), v.regex(/^[\w!#$%&'*+.^`|~-]+$/, "a header name")), secret),
      ),
    }),
    v.strictObject({ ...any, to: v.literal("file"), path: text }),
  ], "an object with 'to': 's3', 'http' or 'file'")),
  v.check((all) => new Set(all.map(({ name }) => name)).size === all.length, "names that differ"),
);

/** `alerts`. */
export const alertsSchema = v.strictObject({
  webhooks: v.optional(v.array(v.strictObject({
    url,
    secret,
    events: v.optional(v.array(v.pipe(
      v.string(),
      v.regex(
        /^(?:error_rate|key_expiry|provider_down|spend)(?:\.(?:rais|resolv)ed)?$/,
        "an alert, or one with '.raised' or '.resolved'",
      ),
    ))),
  }))),
  error_rate: v.optional(v.strictObject({
    threshold: v.pipe(v.number(), v.gtValue(0), v.maxValue(1)),
    window: v.optional(seconds),
    min_requests: v.optional(count),
  })),
  key_expiry: v.optional(v.strictObject({ days: v.pipe(v.number(), v.gtValue(0)) })),
  provider_down: v.optional(
    v.strictObject({ failures: v.optional(count), window: v.optional(seconds) }),
  ),
  spend: v.optional(
    v.strictObject({ usd: v.pipe(v.number(), v.gtValue(0)), window: v.optional(seconds) }),
  ),
});

function isHTTP(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username + password + hash === "";
}
