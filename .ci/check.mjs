// `npm run check`: everything that is not a test. Plain JavaScript, for the system's Node may be 20.
import { spawnSync } from "node:child_process";

const bin = (name, ...args) => [`node_modules/.bin/${name}`, ...args];
const steps = {
  "format": bin("deno", "fmt", "--check", "--quiet"),
  "lint": bin(
    "deno",
    "lint",
    "--quiet",
    "mod.ts",
    "core",
    "plugins",
    "adapters",
    "runtimes",
    "bench",
    "examples",
    "dashboard",
  ),
  // SDKs answer with types that say less than a test wants to look at.
  "lint of tests": bin(
    "deno",
    "lint",
    "--quiet",
    "--rules-exclude=no-explicit-any,require-await",
    "tests",
  ),
  "types": bin("tsc", "-p", "."),
  "types of tests and bench": bin("tsc", "-p", "tests"),
  "types of the dashboard": bin("tsc", "-p", "dashboard"),
  "dashboard": ["node", "dashboard/build.mjs", "--check"],
  "types in Deno": bin("deno", "check", "--quiet", "mod.ts", "runtimes/deno.ts", "examples"),
  "documentation of exports": bin("deno", "doc", "--lint", "mod.ts"),
  "examples in the documentation": bin(
    "deno",
    "test",
    "-A",
    "--doc",
    "README.md",
    "docs",
    "mod.ts",
  ),
  "dead code": bin("knip", "--no-progress"),
  "build": ["npm", "run", "build"],
  "npm package": bin("publint", "--strict"),
  "npm package, imported": bin("node", ".ci/import-package.mjs"),
  "Workers bundle": ["node", ".ci/bundle-size.mjs"],
  "JSR package": bin("deno", "publish", "--dry-run", "--allow-dirty", "--quiet"),
};

const failed = [];
for (const [name, [command, ...args]] of Object.entries(steps)) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  console.log(`${status === 0 ? "ok  " : "FAIL"} ${name}`);
  if (status === 0) continue;
  failed.push(name);
  console.log(`${error ?? ""}${stdout}${stderr}`);
}
if (failed.length > 0) {
  console.log(
    `${failed.length} of ${Object.keys(steps).length} checks failed: ${failed.join(", ")}`,
  );
  process.exit(1);
}
