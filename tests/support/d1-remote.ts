// D1 as Cloudflare simulates it, asked over HTTP. Miniflare's own way in (`getD1Database`) makes a
// connection for each call and waits for some in a blocked thread: thousands of them, for one contract.
import { Miniflare } from "miniflare";
import type { D1Binding, D1Statement } from "../../runtimes/workers/d1.ts";
import { replace } from "./stores-remote.ts";

const script = `
const revive = (key, value) => value?.bytes ? Uint8Array.from(value.bytes) : value;
const made = (database, { sql, values }) => {
  const statement = database.prepare(sql);
  return values.length ? statement.bind(...values) : statement;
};
export default {
  async fetch(request, env) {
    const { name, method, statements } = JSON.parse(await request.text(), revive);
    const all = statements.map((statement) => made(env[name], statement));
    try {
      const value = method === "batch" ? await env[name].batch(all) : await all[0][method]();
      return Response.json({ value });
    } catch (error) {
      return Response.json({ error: error.message });
    }
  },
};`;

interface Remote extends D1Statement {
  sql: string;
  values: unknown[];
}

export interface RemoteD1 {
  /** One of the databases. */
  binding(name: string): D1Binding;
  stop(): Promise<void>;
}

export async function startD1(names: readonly string[]): Promise<RemoteD1> {
  const miniflare = new Miniflare({
    modules: true,
    script,
    compatibilityDate: "2026-04-20",
    d1Databases: [...names],
  });
  const url = await miniflare.ready;
  return {
    binding(name) {
      const ask = async (method: string, statements: readonly Remote[]): Promise<any> => {
        const body = JSON.stringify({
          name,
          method,
          statements: statements.map(({ sql, values }) => ({ sql, values })),
        }, replace);
        const response = await fetch(url, { method: "POST", body });
        const { value, error } = await response.json();
        if (error !== undefined) throw new Error(error);
        return value;
      };
      const statement = (sql: string, values: unknown[] = []): Remote => {
        const own: Remote = {
          sql,
          values,
          bind: (...values) => statement(sql, values),
          all: () => ask("all", [own]),
          run: () => ask("run", [own]),
          first: () => ask("first", [own]),
        };
        return own;
      };
      return {
        prepare: (sql) => statement(sql),
        batch: (statements) => ask("batch", statements as Remote[]),
        exec: (sql) => ask("run", [statement(sql)]),
      };
    },
    stop: () => miniflare.dispose(),
  };
}
