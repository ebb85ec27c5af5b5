/** What is masked before it is stored, and what is left alone. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { masking } from "../../core/log/patterns.ts";
import { createRedactor, mask, redactBytes } from "../../core/log/redact.ts";

const redact = createRedactor();
const secrets = [
  "sk-abcdefghijklmnopqrstuvwx",
  "sk-ant-api03-abcdefghijklmnopqrstuvwxyz_0123456789-AA",
  "sk-or-v1-0123456789abcdef0123456789abcdef",
  "sl-abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
  "gsk_abcdefghijklmnopqrstuvwxyz",
  "hf_abcdefghijklmnopqrstuvwxyz",
  "xai-abcdefghijklmnopqrstuvwxyz",
  `AIza${"a".repeat(35)}`,
  `ya29.${"a".repeat(30)}`,
  "AKIAABCDEFGHIJKLMNOP",
  `ghp_${"a".repeat(36)}`,
  `xoxb-${"1".repeat(24)}`,
  "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefghijklmnop",
];

describe("redaction", () => {
  for (const secret of secrets) {
    it(`masks ${secret.slice(0, 6)}..., wherever it stands`, () => {
      for (let shift = 0; shift < 45; shift++) {
        const text = `${"word ".repeat(9).slice(0, shift)} "${secret}", and on`;
        assert.equal(redact(text), text.replace(secret, mask));
      }
      assert.equal(redact(secret), mask);
      assert.equal(redact(`a ${secret} b ${secret} c`), `a ${mask} b ${mask} c`);
    });
  }

  it("masks what follows 'Bearer', and private keys", () => {
    assert.equal(
      redact("authorization: Bearer abcdefghijklmnopqrst!"),
      `authorization: Bearer ${mask}!`,
    );
    const pem = `-----BEGIN RSA PRIVATE KEY-----\n${
      "MIIEpAIBAAKCAQEA".repeat(8)
    }\n-----END RSA PRIVATE KEY-----`;
    assert.equal(redact(`{"private_key":"${pem}"}`), `{"private_key":"${mask}"}`);
  });

  it("leaves ids, numbers, links and long words alone", () => {
    const text = JSON.stringify({
      id: "chatcmpl-BenchBenchBenchBenchBenchBench",
      url:
        "https://example.com/a/very/long/path/that/goes/on?risk-assessment=task-force-one-two-three",
      image: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
      text: "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerk",
    });
    assert.equal(redact(text), text);
  });

  it("keeps the very bytes where there is nothing to mask", () => {
    const bytes = new Uint8Array([0xff, 0xfe, 0x00, 0x80]);
    assert.deepEqual(redactBytes(bytes, redact, []), bytes);
  });

  it("takes time in proportion to the text, whatever it is", () => {
    for (
      const unit of [
        "sk-",
        "eyJ.",
        "eyJ-",
        "eyJabcdefghijklm-",
        "a",
        "AIza",
        "Bearer ",
        "-----BEGIN PRIVATE KEY-----",
        " ",
      ]
    ) {
      assert.equal(typeof redact(unit.repeat(300_000)), "string");
    }
  });
});

describe("patterns of an operator's own", () => {
  const reports: string[] = [];
  const masked = (pattern: string, text: string) =>
    masking([pattern], mask, (message) => reports.push(message))(text);

  for (
    const [pattern, text, expected] of [
      ["\\d{3}-\\d{4}", "call 555-1234, 555-12345", "call #, #5"],
      ["[\\w.]+@[\\w.]+", "to a.b@c.d now", "to # now"],
      ["(?:\\d[ -]?){13,16}", "card 4111 1111 1111 1111.", "card #."],
      ["(?<=pin: )\\d+", "pin: 123456, 99", "pin: #, 99"],
      ["\\p{L}+é", "aé é bé", "# é #"],
      ["\\u00e9{2,}|(?<x>y)+z", "éé yyz $&", "# # $&"],
      ["(\\d)\\1+", "11 12", "# 12"],
    ] as const
  ) {
    it(`mask ${pattern}`, () => {
      assert.equal(masked(pattern, text), expected.replaceAll("#", mask));
      assert.equal(text.replace(new RegExp(pattern, "gu"), () => mask), masked(pattern, text));
    });
  }

  it("never take longer than their text is long", () => {
    // With a backtracking engine, the first takes minutes, and the others would never end.
    for (
      const pattern of ["\\d+-\\d+", "(\\d+\\s?)+@", "(1|1)*x", "(?<=(1+)+)x", "1?".repeat(99)]
    ) {
      const text = "1".repeat(1024 * 1024);
      assert.ok(masked(pattern, text).length <= text.length * mask.length, pattern);
    }
  });

  it("are told of where a text might hold them up", () => {
    reports.length = 0;
    masked("\\d{4}(?=x)", "");
    assert.deepEqual(reports, []);
    masked("(\\d+)-\\1", "");
    assert.match(reports.join("\n"), /^The pattern '\(\\d\+\)-\\1' of 'log_redact'/);
  });
});
