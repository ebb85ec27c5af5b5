// Adds recorded cases to tests/fixtures:
//   node tests/support/copy-fixtures.mjs --from <folder of recordings> openai/chat-plain ...
// With no case named it refreshes those that are already there.
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const target = fileURLToPath(new URL("../fixtures/", import.meta.url));
const args = process.argv.slice(2);
const from = args[0] === "--from" ? args.splice(0, 2)[1] : process.env.FIXTURES_FROM;
if (!from) throw new Error("Name the folder of recordings with --from <folder>");

const folders = (path) =>
  readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
const present = () =>
  folders(target).flatMap((provider) =>
    folders(join(target, provider)).map((name) => `${provider}/${name}`)
  );

for (const name of args.length ? args : present()) {
  if (!/^[\w.-]+\/[\w.-]+$/.test(name)) throw new Error(`"${name}" is not <provider>/<case>`);
  if (!existsSync(join(from, name, "meta.json"))) throw new Error(`No recording "${name}"`);
  cpSync(join(from, name), join(target, name), { recursive: true });
}

// The licence list names only the origins of what is here.
const used = new Map();
for (const name of present()) {
  const source = readFileSync(join(target, name, "source.txt"), "utf8");
  const repository = source.match(/github\.com\/([\w.-]+\/[\w.-]+)/)?.[1];
  const origin = `${repository} ${source.match(/^commit: (\w+)/m)?.[1]}`;
  used.set(origin, (used.get(origin) ?? 0) + 1);
}
const rows = readFileSync(join(from, "LICENSES.tsv"), "utf8").trim().split("\n");
const kept = rows.flatMap((row, index) => {
  const [repository, commit, licence] = row.split("\t");
  if (index === 0) return [row];
  const cases = used.get(`${repository} ${commit}`);
  return cases ? [[repository, commit, licence, cases].join("\t")] : [];
});
writeFileSync(join(target, "LICENSES.tsv"), `${kept.join("\n")}\n`);
console.log(`${present().length} cases in tests/fixtures`);
