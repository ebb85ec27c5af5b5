import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { assertSafePath, joinURL, splitURL } from "../../core/path.ts";

describe("splitURL", () => {
  const cases: [url: string, path: string, query: string][] = [
    ["http://g/a/b?c=d?e", "/a/b", "?c=d?e"],
    ["http://g", "/", ""],
    ["http://g?x=/y", "/", "?x=/y"],
    ["http://g/a/../b/%2e%2e//c", "/a/../b/%2e%2e//c", ""],
    ["http://evil.com/raw/abs", "/raw/abs", ""],
    ["/a?u=http://x/", "/a", "?u=http://x/"],
  ];
  for (const [url, path, query] of cases) {
    it(url, () => assert.deepEqual(splitURL(url), { path, query }));
  }
});

describe("assertSafePath", () => {
  const hostile = [
    "/a/../b",
    "/a/..",
    "/..",
    "/./a",
    "/a/%2e%2e/b",
    "/a/.%2E/b",
    "/a/%2e/b",
    "/a/..%2fb",
    "/a%2f..%2fb",
    "/a/..;/b",
    "/a/..%5cb",
    "/a/%252e%252e/b",
    "/a/..%252fb",
    "/a/..%3b/b",
    "/a/..%20/b",
    "/a/%c0%ae%c0%ae/b",
    "/a\\..\\b",
    "/a%5cb",
    "/a#b",
    "/a b",
    "/a%00b",
    "/a%0d%0aset-cookie:x",
    "/a%7fb",
    "/a\u00fc",
    "/a\r\nb",
  ];
  for (const path of hostile) {
    it(`refuses ${JSON.stringify(path)}`, () => {
      assert.throws(() => assertSafePath(path), { status: 400, code: 8002 });
    });
  }
  const fine = [
    "/v1/models/gemini-2.5-flash:generateContent",
    "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/converse",
    "/@cf/meta/llama-3.1-8b-instruct",
    "/files/a..b/.hidden/...",
    "//double",
    "/a%20b%2Bc",
    "/@evil.com",
  ];
  for (const path of fine) it(`lets ${path} pass`, () => assertSafePath(path));
});

describe("joinURL", () => {
  it("never changes host or base, whatever the path", () => {
    for (const path of ["@evil.com/", "/evil.com/x", "evil.com:80/", ".evil.com", "?x", ":80"]) {
      const url = new URL(joinURL("https://api.test/base", path));
      assert.equal(url.host, "api.test");
      assert.ok(url.pathname.startsWith("/base"), url.href);
    }
  });
});
