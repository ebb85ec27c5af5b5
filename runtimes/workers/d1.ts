/**
 * D1 as a database of db0. db0's own connector looks its binding up in globals; this one is given it.
 *
 * @module
 */
import {
  createDatabase,
  type Database,
  type PreparedStatement,
  type Primitive,
  type Statement,
} from "db0";

/** The part of D1's binding that is used. */
export interface D1Binding {
  prepare(sql: string): D1Statement;
  /** One transaction. */
  batch(statements: D1Statement[]): Promise<unknown[]>;
  exec(sql: string): Promise<unknown>;
}

/** A statement of D1. */
export interface D1Statement {
  bind(...values: unknown[]): D1Statement;
  all(): Promise<{ results: unknown[] }>;
  run(): Promise<Record<string, unknown>>;
  first(): Promise<unknown>;
}

/**
 * A database of db0 over D1; `getInstance()` answers with the binding, whose `batch` is a transaction.
 *
 * @param tables Statements that create what is missing. Nothing may be asked of D1 before there is a
 * request, so they run when a statement first finds a table missing.
 */
export function d1Database(binding: D1Binding, tables: readonly string[]): Database {
  const create = () => binding.batch(tables.map((sql) => binding.prepare(sql)));
  async function over<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!String(error).includes("no such table")) throw error;
      await create();
      return await work();
    }
  }
  const statement = (sql: string, bound: Primitive[] = []): Statement & PreparedStatement => {
    const with_ = (values: Primitive[]) => {
      const all = [...bound, ...values];
      return all.length === 0 ? binding.prepare(sql) : binding.prepare(sql).bind(...all);
    };
    return {
      bind: (...values) => statement(sql, [...bound, ...values]),
      all: async (...values: Primitive[]) => (await over(() => with_(values).all())).results,
      get: async (...values: Primitive[]) => await over(() => with_(values).first()) ?? undefined,
      run: async (...values: Primitive[]) => ({
        success: true,
        ...await over(() => with_(values).run()),
      }),
    };
  };
  return createDatabase({
    name: "cloudflare-d1",
    dialect: "sqlite",
    capabilityOverrides: { transactions: false },
    getInstance: () => binding,
    exec: (sql) => over(() => binding.exec(sql)),
    prepare: (sql) => statement(sql),
  });
}
