// The log in SQLite, on the file that all stores of a process share.
import { openSqlite } from "../../runtimes/sqlite.ts";
import { sqlLogs } from "../../core/storage/logs-sql.ts";
import { logsContract } from "../support/logs-contract.ts";

logsContract("SQLite", {
  open() {
    const { database } = openSqlite(":memory:");
    return { ...sqlLogs(database), close: () => database.dispose() };
  },
});
