/** The architecture, held: who may import whom, and what the packages say of themselves. */
import { strict as assert } from "node:assert";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, it } from "node:test";
import { version } from "../../mod.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts")).map((name) => join(folder, name));
}

function imports(file: string): string[] {
  const text = read(file);
  const found = [
    ...text.matchAll(/^(?:import|export)\b(?:[^"';]*?\bfrom)?\s*"([^"]+)";$/gm),
    ...text.matchAll(/\bimport\("([^"]+)"\)/g),
  ];
  return found.map(([, target]) =>
    target!.startsWith(".")
      ? relative(root, join(root, dirname(file), target!))
      : /^(?:@[^/]+\/)?[^/]+/.exec(target!)![0]
  );
}

const libraries: Record<string, string[]> = {
  core: [
    "itty-router",
    "valibot",
    "@valibot/to-json-schema",
    "uuid",
    "@noble/hashes",
    "@pydantic/genai-prices",
    "gpt-tokenizer",
    "pbf",
    "re2js",
    "jose",
    "aws4fetch",
  ],
  plugins: [],
  adapters: ["aws4fetch", "jose"],
};

describe("layers", () => {
  const below: Record<string, string[]> = {
    core: ["core"],
    plugins: ["plugins", "core"],
    adapters: ["adapters", "core"],
  };
  for (const [layer, allowed] of Object.entries(below)) {
    it(`${layer} imports only ${allowed.join(", ")} and its libraries`, () => {
      const wrong = sources(layer).flatMap((file) =>
        imports(file)
          .filter((target) =>
            !allowed.some((folder) => target.startsWith(`${folder}/`)) &&
            !libraries[layer]!.includes(target)
          ).map((target) => `${file}: ${target}`)
      );
      assert.deepEqual(wrong, []);
    });
  }

  it("each library has one file that knows it", () => {
    // The configuration has two schemas, and the bodies of the management API four; Access's JWTs are
    // read, and Google's are written; requests to Bedrock and exports to S3 are signed.
    const more: Record<string, number> = { valibot: 6, jose: 2, aws4fetch: 2 };
    const files = Object.keys(libraries).flatMap(sources);
    for (const library of Object.values(libraries).flat()) {
      const users = files.filter((file) => imports(file).includes(library));
      assert.equal(users.length, more[library] ?? 1, `${library}: ${users}`);
    }
  });

  it("only runtimes/ knows a runtime", () => {
    const names = /(?<![\w.'"`])(?:process|Buffer|Deno|Bun)\.|from "(?:node|bun|cloudflare):/;
    const wrong = ["mod.ts", ...Object.keys(libraries).flatMap(sources)]
      .filter((file) => names.test(read(file).replace(/\/\*[^]*?\*\/|\/\/.*/g, "")));
    assert.deepEqual(wrong, []);
  });
});

describe("package", () => {
  it("has one version", () => {
    assert.equal(JSON.parse(read("package.json")).version, version);
    assert.equal(JSON.parse(read("deno.json")).version, version);
  });

  it("asks JSR and npm for the same libraries", () => {
    const npm = JSON.parse(read("package.json")).dependencies as Record<string, string>;
    const jsr = JSON.parse(read("deno.json")).imports as Record<string, string>;
    for (const [name, range] of Object.entries(npm)) {
      assert.equal(jsr[name], `npm:${name}@${range}`);
    }
  });
});
