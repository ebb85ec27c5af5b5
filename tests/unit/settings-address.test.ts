/** Which base URLs a custom provider may have. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { addressFault } from "../../core/settings/address.ts";

const strict = { any: false, loopback: false };

const outside = [
  "https://api.acme.com/v1",
  "https://api.acme.example",
  "https://8.8.8.8",
  "https://172.32.0.1",
  "https://100.128.0.1",
  "https://[2606:4700::1111]/v1",
  "https://api.acme.com:8443",
  "https://localhost.acme.com",
];

const inside = [
  "https://localhost",
  "https://LOCALHOST.",
  "https://a.localhost",
  "https://127.0.0.1",
  "https://127.1",
  "https://2130706433",
  "https://0x7f.1",
  "https://0177.0.0.1",
  "https://0",
  "https://10.1.2.3",
  "https://172.16.0.1",
  "https://172.31.255.255",
  "https://192.168.0.1",
  "https://169.254.169.254",
  "https://100.64.0.1",
  "https://198.18.0.1",
  "https://224.0.0.1",
  "https://255.255.255.255",
  "https://[::1]",
  "https://[::]",
  "https://[::ffff:127.0.0.1]",
  "https://[::ffff:a9fe:a9fe]",
  "https://[64:ff9b::10.0.0.1]",
  "https://[2002:7f00:1::]",
  "https://[fd00::1]",
  "https://[fe80::1]",
  "https://[ff02::1]",
  "https://[2001:db8::1]",
  "https://metadata.google.internal",
  "https://router",
  "https://printer.local",
  "https://x.home.arpa",
  "https://１２７.0.0.1",
];

describe("addresses of custom providers", () => {
  for (const base of outside) {
    it(`may be ${base}`, () => assert.equal(addressFault(base, strict), undefined));
  }
  for (const base of inside) {
    it(`may not be ${base}`, () => {
      assert.match(addressFault(base, strict) ?? "none", /inner address|https URL/);
      assert.equal(addressFault(base, { any: true, loopback: false }), undefined);
    });
  }

  it("are https", () => {
    assert.match(addressFault("http://api.acme.com", strict)!, /must be https/);
    assert.equal(addressFault("http://api.acme.com", { any: true, loopback: false }), undefined);
  });

  it("may be this machine where only its user can ask", () => {
    const rules = { any: false, loopback: true };
    for (const base of ["http://127.0.0.1:11434/v1", "http://localhost:1234", "http://[::1]:1"]) {
      assert.equal(addressFault(base, rules), undefined);
    }
    for (const base of ["http://10.0.0.1", "https://192.168.0.1", "https://169.254.169.254"]) {
      assert.notEqual(addressFault(base, rules), undefined);
    }
  });

  for (
    const base of [
      "",
      "acme",
      "ftp://acme.com",
      "file:///etc/passwd",
      "https://user:secret@acme.com",
      "https://acme.com/?q",
      "https://acme.com/#x",
      "https://acme.com\\x",
      "https://acme.com/a b",
    ]
  ) {
    it(`are never '${base}'`, () => {
      const fault = addressFault(base, { any: true, loopback: true });
      assert.ok(fault);
      assert.doesNotMatch(fault, /secret/);
    });
  }
});
