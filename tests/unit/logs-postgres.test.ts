// The log in PostgreSQL, and how that database is reached: against a real server.
import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import { sqlLogs } from "../../core/storage/logs-sql.ts";
import { openPostgres } from "../../runtimes/postgres.ts";
import { logsContract, row } from "../support/logs-contract.ts";
import { noPostgres, startPostgres, type TestPostgres } from "../support/postgres.ts";

let server: TestPostgres;
before(async () => {
  if (noPostgres === false) server = await startPostgres();
});
after(async () => await server?.close());

logsContract("PostgreSQL", {
  skip: noPostgres,
  open() {
    const database = openPostgres(server.url);
    return { ...sqlLogs(database), close: () => database.dispose() };
  },
});
