// A process that appends to a log in SQLite, for tests of several at once, and of one that is killed.
//   <file> <name> <batches> <rows of a batch>
// It begins when it is written to; a line says that it is ready, and one more each batch.
import process from "node:process";
import { sqlLogs } from "../../core/storage/logs-sql.ts";
import { openSqlite } from "../../runtimes/sqlite.ts";
import { row } from "./log-row.ts";

const [file, name, batches, size] = process.argv.slice(2);
const tell = (what: unknown) => new Promise((told) => process.stdout.write(`${what}\n`, told));
await tell("ready");
await new Promise((begun) => process.stdin.once("data", begun));
process.stdin.destroy();

const { database } = openSqlite(file!);
const logs = sqlLogs(database);
const body = { bytes: new Uint8Array(3000), complete: true };
for (let batch = 0; batch < Number(batches); batch++) {
  const own = Array.from({ length: Number(size) - 1 }, (_, i) => row(`${name}-${batch}-${i}`));
  // One row of each batch is written by every process.
  const entries = [...own, row(`shared-${batch}`)].map((row) => ({ row, request: body }));
  await logs.append(entries);
  await tell(batch);
}
await database.dispose();
