// Exported rows that only the holder of a private key can read, as Cloudflare's guide decrypts them.
import { strict as assert } from "node:assert";
import { createDecipheriv, generateKeyPairSync, privateDecrypt } from "node:crypto";
import { after, before, beforeEach, describe, it } from "node:test";
import type { GatewayConfig } from "../../core/config/config.ts";
import { row } from "../support/log-row.ts";
import { type Line, type S3Double, startS3 } from "../support/s3.ts";
import { exporting, toS3 } from "./exporting.ts";

const { publicKey, privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 4096,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});

/** With Node's own cipher, not with Web Crypto, which the gateway encrypts with. */
function opened({ key, iv, data }: { key: string; iv: string; data: string }): string {
  const aes = privateDecrypt(
    { key: privateKey, oaepHash: "sha256" },
    Buffer.from(key, "base64"),
  );
  assert.equal(aes.length, 32);
  const bytes = Buffer.from(data, "base64");
  const decipher = createDecipheriv("aes-256-gcm", aes, Buffer.from(iv, "base64"));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString();
}

describe("export with a public key", () => {
  let s3: S3Double;
  before(async () => s3 = await startS3());
  after(() => s3.close());
  beforeEach(() => s3.objects.clear());

  const body = (text: string) => ({ bytes: new TextEncoder().encode(text), complete: true });
  const secret = "what nobody may read";
  const entry = {
    row: row("1", {
      gateway: "sealed",
      metadata: { user: secret },
      error: { code: 500, message: `Failed at ${secret}` },
    }),
    request: body(`{"prompt":"${secret}"}`),
    response: body(`data: ${secret}\n\n`),
  };
  const gateways = (pem: string): Record<string, GatewayConfig> => ({
    sealed: { logpush: true, logpush_public_key: pem },
    plain: { logpush: true },
  });

  it("encrypts metadata, bodies and messages of errors with a key of each row", async () => {
    const { exports, write } = exporting(toS3(s3, { bodies: true }), {
      gateways: gateways(publicKey),
    });
    await write(
      entry,
      { ...entry, row: { ...entry.row, id: "2" } },
      row("3", { gateway: "sealed" }),
      row("4", { gateway: "plain", metadata: { a: 1 } }),
    );
    await exports.run();
    const [first, second, third, fourth] = s3.lines() as [Line, Line, Line, Line];
    assert.equal(first.Gateway, "sealed");
    assert.equal(first.StatusCode, 200);
    assert.deepEqual(JSON.parse(opened(first.Metadata)), { user: secret });
    assert.deepEqual(JSON.parse(opened(first.RequestBody)), { prompt: secret });
    assert.equal(opened(first.ResponseBody), `data: ${secret}\n\n`);
    assert.equal(opened(first.ErrorMessage), `Failed at ${secret}`);
    assert.equal(JSON.stringify([first, second]).includes(secret), false);
    assert.equal(first.Metadata.key, first.RequestBody.key);
    assert.notEqual(first.Metadata.iv, first.RequestBody.iv);
    assert.notEqual(first.Metadata.key, second.Metadata.key);
    // What has no `key` is as it is.
    assert.deepEqual([third.Metadata, third.RequestBody, third.ErrorMessage], [{}, {}, null]);
    assert.deepEqual(fourth.Metadata, { a: 1 });
  });

  it("takes a bare RSA key as well", async () => {
    const pem = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "pkcs1", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    const { exports, write } = exporting(toS3(s3), { gateways: gateways(pem.publicKey) });
    await write(entry);
    await exports.run();
    const [{ Metadata: { key } }] = s3.lines() as [Line];
    const aes = privateDecrypt(
      { key: pem.privateKey, oaepHash: "sha256" },
      Buffer.from(key, "base64"),
    );
    assert.equal(aes.length, 32);
  });

  for (
    const pem of [
      "no key at all, but long",
      publicKey.replace(/[A-Z]{3}/g, "AAA"),
      privateKey.slice(0, 1000),
    ]
  ) {
    it(`sends nothing with a key that is none: ${pem.slice(0, 30)}`, async () => {
      const { exports, write, reports } = exporting(toS3(s3), { gateways: gateways(pem) });
      await write(entry);
      await exports.run();
      assert.equal(s3.lines().length, 0);
      assert.deepEqual(reports, [
        "Export 'archive' stands still: 'logpush_public_key' of gateway 'sealed' is not the PEM of an " +
        "RSA public key",
      ]);
    });
  }
});
