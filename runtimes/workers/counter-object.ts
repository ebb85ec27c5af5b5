/**
 * Counts in a Durable Object, one object per count: Cloudflare runs each in one place, so that limits
 * hold exactly across the world.
 *
 * @module
 */
// @ts-ignore: a module of the runtime itself
import { DurableObject } from "cloudflare:workers";
import type { Addition } from "../../core/storage/span.ts";
import type { SqlRow, SqlValue, SyncSql } from "../../core/storage/sql.ts";
import { addTo, countsTable, type Sum } from "../../core/storage/sql-counters.ts";

/** The part of an object's state that is used. */
interface State {
  storage: {
    sql: { exec(sql: string, ...values: SqlValue[]): Iterable<SqlRow> };
    transactionSync<T>(work: () => T): T;
    getAlarm(): Promise<number | null>;
    setAlarm(at: number): Promise<void>;
    deleteAll(): Promise<void>;
  };
}

/** Milliseconds between two clean-ups at least. */
const rest = 60_000;

/** The class that `SLUICE_COUNTERS` is a namespace of; the entry of a worker has to export it. */
export class SluiceCounters extends DurableObject {
  readonly #storage: State["storage"];
  readonly #sql: SyncSql;
  #ready = false;

  /** Called by Workers. */
  constructor(state: State, env: unknown) {
    super(state, env);
    this.#storage = state.storage;
    this.#sql = {
      rows: (sql, ...values) => [...state.storage.sql.exec(sql, ...values)],
      transaction: (work) => state.storage.transactionSync(work),
    };
  }

  /** One addition; Workers answers only once it is stored. */
  async add(addition: Addition): Promise<Sum> {
    if (!this.#ready) {
      for (const line of countsTable) this.#sql.rows(line);
      this.#ready = true;
    }
    const sum = addTo(this.#sql, addition);
    if (sum.added && await this.#storage.getAlarm() === null) await this.#wake(addition.expires);
    return sum;
  }

  /** Called by Workers at the time that was set. */
  async alarm(): Promise<void> {
    await this.clean();
  }

  /** Forgets what has expired; an object with nothing left is stored no more. */
  async clean(): Promise<void> {
    this.#sql.rows("DELETE FROM counts WHERE expires <= ?", Date.now());
    const [left] = this.#sql.rows("SELECT MAX(expires) AS expires FROM counts");
    if (typeof left?.["expires"] === "number") await this.#wake(left["expires"]);
    else {
      this.#ready = false;
      await this.#storage.deleteAll();
    }
  }

  #wake(at: number): Promise<void> {
    return this.#storage.setAlarm(Math.max(at, Date.now() + rest));
  }
}
