/**
 * Amazon Bedrock: `{service}/{region}/{path}` names the host. The gateway signs with a stored
 * credential (SigV4), passes on what the client has signed for the AWS URL, and passes Bedrock API
 * keys as bearer.
 *
 * @module
 */
import { Code, GatewayError } from "../core/error.ts";
import { baseOf, type Call, defineProvider, hostPart, type Provider } from "../core/provider.ts";

import { dialectOf } from "./spoken.ts";

/** Hosts and signing names, by the service segment of the path. */
const services: Readonly<Record<string, { host: string; domain: string; name: string }>> = {
  "bedrock-runtime": { host: "bedrock-runtime", domain: "amazonaws.com", name: "bedrock" },
  "bedrock-agent-runtime": {
    host: "bedrock-agent-runtime",
    domain: "amazonaws.com",
    name: "bedrock",
  },
  "bedrock": { host: "bedrock", domain: "amazonaws.com", name: "bedrock" },
  "bedrock-mantle": { host: "bedrock-mantle", domain: "api.aws", name: "bedrock-mantle" },
};

/** The row. A `base_url` stands in for the origin, and is what the signature covers. */
export const awsBedrock: Provider = defineProvider({
  slug: "aws-bedrock",
  aliases: ["amazon-bedrock", "bedrock"],
  baseURL: "https://{host}",
  format: "bedrock-converse",
  dialect: dialectOf("aws-bedrock"),
  url(call) {
    const { service, region, rest } = parts(call);
    const domain = region.startsWith("cn-") ? `${service.domain}.cn` : service.domain;
    const host = `${service.host}.${region}.${domain}`;
    return `${baseOf(this, call.settings).replace("{host}", host)}/${rest}`;
  },
  model(path) {
    const id = /(?:^|\/)model\/([^/]+)/.exec(path)?.[1];
    return id?.replace(/%3a/gi, ":").replace(/%2f/gi, "/");
  },
  async authorize(call, key) {
    const { service, region, rest } = parts(call);
    const credential = key === undefined ? undefined : parseCredential(key);
    if (typeof credential === "string") call.headers["authorization"] = `Bearer ${credential}`;
    else if (credential !== undefined) await sign(call, credential, service.name, region);
    const bearer = /^Bearer\s+(.+)$/i.exec(call.headers["authorization"] ?? "")?.[1];
    if (
      bearer !== undefined && service.name === "bedrock-mantle" && rest.startsWith("anthropic/")
    ) {
      delete call.headers["authorization"];
      call.headers["x-api-key"] = bearer;
    }
  },
});

function parts(call: Call) {
  const [name = "", region = "", ...rest] = call.path.split("/");
  const service = Object.hasOwn(services, name) ? services[name] : undefined;
  if (service === undefined) {
    throw new GatewayError(
      400,
      Code.badPath,
      `A Bedrock path is {service}/{region}/..., with one of the services ${
        Object.keys(services).join(", ")
      }`,
    );
  }
  hostPart(region, /^[a-z]{2,3}(?:-[a-z]{2,20}){1,3}-\d{1,2}$/, "AWS region");
  return { service, region, rest: rest.join("/") };
}

interface Credential {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/**
 * A stored secret: `{"accessKeyId", "secretAccessKey", "sessionToken"?}` as JSON (the names of AWS's
 * environment variables do as well), or else a Bedrock API key.
 */
function parseCredential(secret: string): Credential | string {
  if (!secret.trimStart().startsWith("{")) return secret;
  let value: Record<string, unknown> = {};
  try {
    value = JSON.parse(secret);
  } catch {
    // Reported below, without the text: it is a secret.
  }
  const text = (...names: string[]) =>
    names.map((name) => value[name]).find((part) => typeof part === "string" && part !== "") as
      | string
      | undefined;
  const apiKey = text("AWS_BEARER_TOKEN_BEDROCK");
  if (apiKey !== undefined) return apiKey;
  const accessKeyId = text("accessKeyId", "AWS_ACCESS_KEY_ID");
  const secretAccessKey = text("secretAccessKey", "AWS_SECRET_ACCESS_KEY");
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new GatewayError(
      500,
      Code.badCredential,
      "The stored key of 'aws-bedrock' is neither an API key nor JSON with 'accessKeyId' and " +
        "'secretAccessKey'",
    );
  }
  const sessionToken = text("sessionToken", "AWS_SESSION_TOKEN");
  return { accessKeyId, secretAccessKey, ...sessionToken !== undefined && { sessionToken } };
}

async function sign(call: Call, credential: Credential, service: string, region: string) {
  const body = await call.body();
  // What is left of a signature of the client's would spoil ours.
  for (const name of ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"]) {
    delete call.headers[name];
  }
  // Only what no runtime rewrites on the way is signed.
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(call.headers)) {
    if (name.startsWith("x-amz-") || name.startsWith("x-amzn-bedrock-")) headers[name] = value;
  }
  const { AwsV4Signer } = await import("aws4fetch");
  const signer = new AwsV4Signer({
    ...credential,
    method: call.method,
    url: call.url,
    headers,
    body: body as Uint8Array<ArrayBuffer>,
    service,
    region,
  });
  const signed = await signer.sign();
  signed.headers.forEach((value, name) => {
    if (name !== "host") call.headers[name] = value;
  });
}
