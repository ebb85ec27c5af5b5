/** Service accounts that callers bring: each costs a signature and a token that is kept. */
import { strict as assert } from "node:assert";
import { before, describe, it } from "node:test";
import { googleVertexAI } from "../../adapters/google-vertex-ai.ts";
import type { Call, Tools } from "../../core/provider.ts";

const pem = async (bits: number) => {
  const { privateKey } = await crypto.subtle.generateKey(
    {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: bits,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    },
    true,
    ["sign", "verify"],
  );
  const bytes = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  const text = btoa(String.fromCharCode(...bytes)).replace(/.{64}/g, "$&\n");
  return `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----\n`;
};

describe("service accounts of callers", () => {
  let good: string;
  before(async () => {
    good = await pem(2048);
  });
  const asked = { tokens: 0 };
  const tools: Tools = {
    now: () => 0,
    memo: new Map(),
    fetch: () => {
      asked.tokens++;
      return Promise.resolve(Response.json({ access_token: "ya29.x", expires_in: 3600 }));
    },
  };
  const use = async (client_email: string, private_key = good) => {
    const account = btoa(JSON.stringify({ client_email, private_key }));
    const headers: Record<string, string> = { authorization: `Bearer ${account}` };
    const call = { headers, url: "https://x", settings: {}, tools } as unknown as Call;
    await googleVertexAI.authorize!(call, undefined);
    return headers.authorization;
  };

  it("are remembered up to a bound, the latest ones", async () => {
    for (let i = 0; i < 230; i++) assert.equal(await use(`a${i}@test`), "Bearer ya29.x");
    assert.equal(tools.memo.size, 200);
    await use("a229@test");
    assert.equal(asked.tokens, 230);
    await use("a0@test");
    assert.equal(asked.tokens, 231);
  });

  it("have no key that takes seconds to sign with", async () => {
    const long = good.replace("\n-----END", `${"A".repeat(9000)}\n-----END`);
    await assert.rejects(use("long@test", long), /is not a service account/);
    assert.equal(asked.tokens, 231);
  });
});
