/**
 * PostgreSQL as a database of db0, through a pool: a connection that breaks is replaced, so that the
 * database is there again as soon as its server is.
 *
 * @module
 */
import { createDatabase, type Database } from "db0";
import postgresql from "db0/connectors/postgresql";
import pg from "pg";

/** Connections at most. */
const connections = 8;
/** Milliseconds that a connection may take to come to be. */
const connectTime = 5000;
/** Milliseconds that a statement may take on the server. */
const statementTime = 60_000;

/**
 * A database over a pool of connections. Nothing connects before the first statement. Errors are those
 * of `pg`, with PostgreSQL's code (`28P01`) or Node's (`ECONNREFUSED`); none holds the password.
 *
 * @param url `postgresql://user:password@host:5432/database`, with parameters that `pg` knows, such as
 * `sslmode`. Throws a TypeError on what is no URL.
 */
export function openPostgres(url: string): Database {
  // pg would show it whole, and the password with it.
  if (!URL.canParse(url)) throw new TypeError("The URL of PostgreSQL is not a URL");
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: connectTime,
    statement_timeout: statementTime,
    // For a server that has vanished and tells nobody.
    query_timeout: statementTime + 5000,
    keepAlive: true,
    application_name: "sluice",
  });
  // An idle connection broke: the pool has let go of it, and the next statement takes another.
  pool.on("error", () => {});
  // db0's connector keeps one client, for ever. It is given the pool as its client.
  class Client {
    async connect(): Promise<void> {}
    query = pool.query.bind(pool);
    end = (): Promise<void> => pool.end();
  }
  return createDatabase(postgresql({ url, lib: { Client } as never }));
}
