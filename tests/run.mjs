// npm test: every suite on every runtime, then one line with the sum.
//   node tests/run.mjs [unit|conformance|clients|browser] [part of a file name]
// REQUIRE_ALL=1 turns a skipped test into a failed one, as in CI.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const bin = (name) => join(root, "node_modules/.bin", name);
const strict = process.env.REQUIRE_ALL === "1";
const fileLimit = 10 * 60_000;

const node = (files, report) => [
  bin("node"),
  "--test",
  "--test-concurrency=2",
  `--test-timeout=${fileLimit}`,
  "--test-reporter=spec",
  "--test-reporter-destination=stdout",
  "--test-reporter=junit",
  `--test-reporter-destination=${report}`,
  ...files,
];
const bun = (files, report) => [
  bin("bun"),
  "test",
  "--reporter=junit",
  `--reporter-outfile=${report}`,
  ...files.map((file) => `./${file}`),
];
const deno = (files, report) => [
  bin("deno"),
  "test",
  "-A",
  "--no-check",
  `--junit-path=${report}`,
  ...files,
];

const suites = [
  { name: "unit on Node", folder: "unit", command: node },
  { name: "unit on Bun", folder: "unit", command: bun },
  { name: "unit on Deno", folder: "unit", command: deno },
  { name: "conformance", folder: "conformance", command: node },
  { name: "clients", folder: "clients", command: node },
  { name: "browser", folder: "browser", command: node },
];

const args = process.argv.slice(2);
const only = suites.some((suite) => suite.folder === args[0]) ? args.shift() : undefined;
const pattern = args[0] ?? "";

const reports = mkdtempSync(join(tmpdir(), "sluice-run-"));
const total = { passed: 0, failed: 0, skipped: 0 };
const reasons = new Map();
const skipped = [];
const failed = [];
const problems = [];
let ranAny = false;

for (const [index, suite] of suites.entries()) {
  if (only && suite.folder !== only) continue;
  const files = testFiles(`tests/${suite.folder}`).filter((file) => file.includes(pattern));
  if (!files.length && pattern) continue;
  console.log(`\n# ${suite.name}: ${files.length} files`);
  const report = join(reports, `${index}.xml`);
  const status = files.length ? await run(suite.command(files, report)) : 0;
  const counted = countReport(suite.name, existsSync(report) ? readFileSync(report, "utf8") : "");
  for (const key of Object.keys(total)) total[key] += counted[key];
  ranAny ||= counted.passed + counted.failed + counted.skipped > 0;
  if (counted.passed + counted.failed + counted.skipped === 0) {
    problems.push(`${suite.name} ran no test`);
  } else if (status !== 0 && counted.failed === 0) {
    problems.push(`${suite.name} ended with status ${status}`);
  }
}
rmSync(reports, { recursive: true, force: true });
if (!ranAny && pattern) problems.push(`No test file has "${pattern}" in its name`);

console.log("");
for (const { suite, name } of skipped) {
  console.log(`skipped (${suite}): ${name}: ${reasons.get(name) ?? "no reason given"}`);
}
for (const { suite, name } of failed) console.log(`failed (${suite}): ${name}`);
for (const problem of problems) console.log(`failed: ${problem}`);
if (strict) {
  total.failed += total.skipped;
  total.skipped = 0;
}
// A suite that could not run is a failure like any other.
total.failed += problems.length;
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 ? 1 : 0);

function testFiles(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return testFiles(path);
    return entry.name.endsWith(".test.ts") ? [path] : [];
  }).sort();
}

function run([command, ...rest]) {
  return new Promise((resolve) => {
    const child = spawn(command, rest, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", (error) => {
      console.error(String(error));
      resolve(1);
    });
    child.on("close", (code, signal) => resolve(code ?? signal ?? 1));
  });
}

/** Counts the cases of a JUnit report, which all three runners write. */
function countReport(suite, xml) {
  const counted = { passed: 0, failed: 0, skipped: 0 };
  // An attribute may hold a bare ">", so the tag is matched attribute by attribute.
  const tag = /<testcase((?:\s+[\w:-]+="[^"]*")*)\s*(?:\/>|>(.*?)<\/testcase>)/gs;
  const cases = [...xml.matchAll(tag)].map(([, attributes, body]) => ({
    name: unescape(attributes.match(/\bname="([^"]*)"/)?.[1] ?? ""),
    group: unescape(attributes.match(/\bclassname="([^"]*)"/)?.[1] ?? ""),
    content: body ?? "",
  }));
  for (const { name, group, content } of cases) {
    // Deno lists a group as a case too, and Node a file without tests.
    if (cases.some((other) => other.name.startsWith(`${name} > `))) continue;
    if (/<(failure|error)\b/.test(content)) {
      counted.failed++;
      failed.push({ suite, name: group === "test" || !group ? name : `${group} > ${name}` });
    } else if (/<skipped\b/.test(content)) {
      counted.skipped++;
      skipped.push({ suite, name: name.split(" > ").at(-1) });
      const reason = content.match(/message="([^"]+)"/)?.[1];
      if (reason) reasons.set(name, unescape(reason));
    } else if (!/\.test\.ts$/.test(name)) counted.passed++;
  }
  return counted;
}

function unescape(text) {
  // Node escapes a quote twice, so the ampersand goes first.
  return text.replaceAll("&amp;", "&").replaceAll("&quot;", '"').replaceAll("&apos;", "'")
    .replaceAll("&lt;", "<").replaceAll("&gt;", ">");
}
