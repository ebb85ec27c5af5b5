/** Secrets at rest, and the provider keys that are made of them. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { isGatewayError } from "../../core/error.ts";
import { ProviderKeys } from "../../core/auth/provider-keys.ts";
import { memoryKV } from "../../core/storage/memory.ts";
import type { KV } from "../../core/storage/ports.ts";
import { createVault, masterKeyFrom, VaultError } from "../../core/auth/vault.ts";

const key = (fill: number) => new Uint8Array(32).fill(fill);
const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

describe("vault", () => {
  const context = ["default", "openai", "default"];

  it("gives back what it was given", async () => {
    const vault = createVault(key(1));
    for (const text of ["sk-secret", "", "ключ 🔑", "x".repeat(100_000), '{"a":"b"}']) {
      assert.equal(await vault.open(await vault.seal(text, context), context), text);
    }
  });

  it("never makes the same twice", async () => {
    const vault = createVault(key(1));
    const sealed = await Promise.all(Array.from({ length: 20 }, () => vault.seal("x", context)));
    assert.equal(new Set(sealed).size, 20);
  });

  it("opens nothing in another place", async () => {
    const vault = createVault(key(1));
    const sealed = await vault.seal("sk-secret", context);
    for (
      const other of [
        ["default", "openai", "other"],
        ["other", "openai", "default"],
        ["default", "anthropic", "default"],
        ["default", "openai/default"],
        ["default,openai", "default"],
        [],
      ]
    ) await assert.rejects(vault.open(sealed, other), VaultError);
  });

  it("tells another master key from damage", async () => {
    const sealed = await createVault(key(1)).seal("sk-secret", context);
    await assert.rejects(createVault(key(2)).open(sealed, context), /another SLUICE_MASTER_KEY/);
    const bytes = Uint8Array.from(atob(sealed), (char) => char.charCodeAt(0));
    for (let i = 0; i < bytes.length; i++) {
      const damaged = bytes.slice();
      damaged[i]! ^= 1;
      await assert.rejects(createVault(key(1)).open(base64(damaged), context), VaultError);
    }
    for (const junk of ["", "AQ==", "not base64!", base64(key(0)), sealed.slice(0, 20)]) {
      await assert.rejects(createVault(key(1)).open(junk, context), VaultError);
    }
  });

  it("takes a master key of exactly 32 bytes, in either alphabet", () => {
    assert.deepEqual(masterKeyFrom(` ${base64(key(255))}\n`), key(255));
    assert.deepEqual(masterKeyFrom("_".repeat(42) + "8"), key(255));
    for (
      const bad of ["", "x", base64(key(1).subarray(1)), "a".repeat(64), "%%%", "00".repeat(32)]
    ) {
      assert.equal(masterKeyFrom(bad), undefined, bad);
    }
  });
});

describe("stored provider keys", () => {
  let at = Date.parse("2026-01-02T03:04:05Z");
  const now = () => at;
  const openai = {
    provider_slug: "openai",
    alias: "default",
    secret: "sk-proj-0123456789abcdefwxyz",
  };

  function open(kv: KV = memoryKV({ now })) {
    return { kv, keys: new ProviderKeys({ kv, now, vault: createVault(key(1)) }) };
  }
  const secretOf = async (keys: ProviderKeys, gateway: string, slug: string, alias = "default") =>
    await (await keys.secretsOf(gateway, slug)).get(alias)?.secret();

  it("stores a secret that only the gateway can read", async () => {
    const stored: string[] = [];
    const kv = memoryKV({ now });
    const { keys } = open({
      ...kv,
      set(name, value, ttl) {
        stored.push(name, JSON.stringify(value));
        return kv.set(name, value, ttl);
      },
    });
    const record = await keys.put("default", openai);
    assert.deepEqual({ ...record, id: "", secret_id: "" }, {
      id: "",
      alias: "default",
      default_config: false,
      gateway_id: "default",
      provider_slug: "openai",
      secret_id: "",
      secret_preview: "sk-••••wxyz",
      modified_at: "2026-01-02T03:04:05.000Z",
    });
    assert.ok(!stored.join().includes("0123456789"));
    assert.ok(!JSON.stringify(await keys.list("default")).includes("0123456789"));
    assert.equal(await secretOf(keys, "default", "openai"), openai.secret);
    assert.equal(await secretOf(keys, "other", "openai"), undefined);
    assert.equal(await secretOf(keys, "default", "anthropic"), undefined);
  });

  it("shows nothing of a short secret or of one of several parts", async () => {
    const { keys } = open();
    for (const secret of ["short", '{"accessKeyId":"AKIA0000000000","secretAccessKey":"s"}']) {
      assert.equal((await keys.put("default", { ...openai, secret })).secret_preview, "••••");
    }
  });

  it("has one key for a provider and an alias", async () => {
    const { keys } = open();
    const first = await keys.put("default", openai);
    const second = await keys.put("default", { ...openai, secret: "sk-second", rate_limit: 5 });
    assert.equal(second.id, first.id);
    assert.notEqual(second.secret_id, first.secret_id);
    await keys.put("default", { ...openai, alias: "other" });
    assert.deepEqual(
      (await keys.list("default")).map(({ alias, rate_limit }) => [alias, rate_limit]),
      [["default", 5], ["other", undefined]],
    );
    assert.equal(await secretOf(keys, "default", "openai"), "sk-second");
  });

  it("rotates and deletes by id, on its own gateway only", async () => {
    const { keys } = open();
    const { id, secret_id } = await keys.put("default", openai);
    at += 1000;
    assert.equal(await keys.rotate("other", id, "x"), undefined);
    const rotated = await keys.rotate("default", id, "sk-rotated");
    assert.notEqual(rotated?.secret_id, secret_id);
    assert.equal(rotated?.modified_at, new Date(at).toISOString());
    assert.equal(await secretOf(keys, "default", "openai"), "sk-rotated");
    assert.equal(await keys.delete("other", id), undefined);
    assert.equal((await keys.delete("default", id))?.id, id);
    assert.equal(await keys.delete("default", id), undefined);
    assert.equal(await secretOf(keys, "default", "openai"), undefined);
  });

  it("stores nothing without a master key, and says why", async () => {
    const { kv, keys } = open();
    await keys.put("default", openai);
    const without = new ProviderKeys({ kv, now, vault: undefined });
    await assert.rejects(without.put("default", openai), (error) => {
      assert.ok(isGatewayError(error));
      assert.deepEqual([error.status, error.code], [400, 8016]);
      assert.match(error.message, /SLUICE_MASTER_KEY/);
      return true;
    });
    assert.equal((await without.list("default")).length, 1);
    await assert.rejects(secretOf(without, "default", "openai"), /SLUICE_MASTER_KEY is not set/);
  });

  it("has another revision after each change", async () => {
    const { keys } = open();
    const seen = new Set([await keys.revision("default")]);
    const { id } = await keys.put("default", openai);
    seen.add(await keys.revision("default"));
    await keys.rotate("default", id, "x");
    seen.add(await keys.revision("default"));
    await keys.delete("default", id);
    seen.add(await keys.revision("default"));
    assert.equal(seen.size, 4);
    assert.equal(await keys.revision("other"), "");
  });
});
