// The log in PostgreSQL, and how that database is reached: against a real server.
import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";
import pg from "pg";
import { sqlLogs } from "../../core/storage/logs-sql.ts";
import { openPostgres } from "../../runtimes/postgres.ts";
import { row } from "../support/log-row.ts";
import { logsContract } from "../support/logs-contract.ts";
import { noPostgres, startPostgres, type TestPostgres } from "../support/postgres.ts";

describe("PostgreSQL", { skip: noPostgres }, () => {
  let server: TestPostgres;
  before(async () => {
    server = await startPostgres();
  });
  after(async () => await server?.close());

  logsContract("PostgreSQL", {
    open() {
      const database = openPostgres(server.url);
      return { ...sqlLogs(database), close: () => database.dispose() };
    },
  });

  describe("sqlLogs", () => {
    const all = { offset: 0, limit: 1000 };

    /** A database with nothing in it. */
    async function fresh(name: string): Promise<string> {
      const database = openPostgres(server.url);
      await database.exec(`CREATE DATABASE ${name}`);
      await database.dispose();
      return server.url.replace(/postgres$/, name);
    }

    it("makes its tables once when several processes begin at the same time", async () => {
      const url = await fresh("race");
      const databases = Array.from({ length: 5 }, () => openPostgres(url));
      await Promise.all(
        databases.map((database, i) =>
          sqlLogs(database).append([{ row: row(`r${i}`) }, { row: row("shared") }])
        ),
      );
      assert.equal(await sqlLogs(databases[0]!).count({}), 6);
      await Promise.all(databases.map((database) => database.dispose()));
    });

    it("gives no row while one that came in front of it is still being written", async () => {
      const url = await fresh("held");
      const database = openPostgres(url);
      const logs = sqlLogs(database);
      await logs.append([{ row: row("first") }]);
      const [first] = await logs.arrivals!(undefined, 10);
      const writer = new pg.Client(url);
      await writer.connect();
      await writer.query("BEGIN");
      for (const table of ["sluice_logs", "sluice_log_details"]) {
        const { rows } = await writer.query(
          "SELECT column_name AS name FROM information_schema.columns " +
            `WHERE table_name = '${table}' ORDER BY ordinal_position`,
        );
        const columns = rows.map(({ name }: { name: string }) => name);
        const own = table === "sluice_logs"
          ? columns.filter((name: string) => name !== "seq")
          : columns;
        const values = own.map((name: string) =>
          name === "id" ? "'held'" : name === "seq" ? "seq + 1" : name
        );
        await writer.query(
          `INSERT INTO ${table} (${own.join(", ")}) SELECT ${values.join(", ")} FROM ${table}`,
        );
      }
      await logs.append([{ row: row("after") }]);
      assert.equal(await logs.count({}), 2);
      assert.deepEqual(await logs.arrivals!(first!.place, 10), []);
      await writer.query("COMMIT");
      await writer.end();
      const both = await logs.arrivals!(first!.place, 10);
      assert.deepEqual(both.map(({ row }) => row.id), ["held", "after"]);
      await database.dispose();
    });

    it("loses and doubles nothing when several append at once", async () => {
      const url = await fresh("together");
      const databases = [openPostgres(url), openPostgres(url)];
      const logs = databases.map((database) => sqlLogs(database));
      await Promise.all(Array.from({ length: 60 }, (_, batch) => {
        const rows = [row(`shared-${batch >> 1}`), row(`r${batch}`, { gateway: `g${batch % 3}` })];
        return logs[batch % 2]!.append(rows.map((row) => ({ row })));
      }));
      assert.equal(await logs[0]!.count({}), 90);
      assert.equal((await logs[0]!.list({}, all)).length, 90);
      for (const gateway of ["g0", "g1", "g2"]) assert.equal(await logs[0]!.count({ gateway }), 20);
      const gone = await Promise.all(logs.map((log) => log.delete({ gateway: "default" }, 20)));
      assert.equal(await logs[0]!.count({ gateway: "default" }), 30 - gone[0]! - gone[1]!);
      await Promise.all(databases.map((database) => database.dispose()));
    });

    it("writes none of a batch with a row that cannot be written", async () => {
      const database = openPostgres(await fresh("whole"));
      const logs = sqlLogs(database);
      const broken = row("b", { feedback: "up" as unknown as 1 });
      await assert.rejects(logs.append([row("a"), broken, row("c")].map((row) => ({ row }))));
      assert.equal(await logs.count({}), 0);
      assert.deepEqual(await logs.list({}, all), []);
      await database.dispose();
    });

    it("refuses tables of a newer version, and says so", async () => {
      const database = openPostgres(await fresh("newer"));
      await sqlLogs(database).append([{ row: row("a") }]);
      await database.exec("UPDATE sluice_schema SET version = 99");
      await assert.rejects(sqlLogs(database).append([{ row: row("b") }]), /version 99/);
      await database.dispose();
    });

    it("fails while the server is away, and works by itself when it is back", async () => {
      const url = await fresh("away");
      const database = openPostgres(url);
      const logs = sqlLogs(database);
      await logs.append([{ row: row("before") }]);
      await server.kill();
      const failed = await logs.append([{ row: row("while") }]).catch((error) => error);
      assert.ok(failed instanceof Error);
      // A log that never saw the server before it was away.
      const late = openPostgres(url);
      const lateLogs = sqlLogs(late);
      await assert.rejects(lateLogs.count({}), { code: "ECONNREFUSED" });
      await server.start();
      await logs.append([{ row: row("after") }]);
      const ids = (await lateLogs.list({}, all)).map(({ id }) => id);
      assert.deepEqual(ids, ["after", "before"]);
      await database.dispose();
      await late.dispose();
    });

    it("shows the password in no error", async () => {
      const secret = "s3cret-of-the-test";
      const wrong = new URL(server.url);
      wrong.password = secret;
      const away = new URL(wrong);
      away.port = "1";
      const texts: string[] = [];
      for (const url of [wrong.href, away.href]) {
        const database = openPostgres(url);
        const error = await sqlLogs(database).count({}).catch((error) => error);
        assert.ok(error instanceof Error, "it should have failed");
        texts.push(inspect(error, { depth: 20, showHidden: true }), String(error.stack));
        await database.dispose();
      }
      for (const url of [`postgresql://u:${secret}@host:port/x`, `u:${secret}`, `:${secret}`]) {
        try {
          const database = openPostgres(url);
          await database.prepare("SELECT 1").all();
        } catch (error) {
          texts.push(inspect(error, { depth: 20, showHidden: true }));
        }
      }
      assert.equal(texts.length, 7);
      for (const text of texts) assert.ok(!text.includes(secret), text);
    });
  });
});
