import pg from "pg";
import { Unavailable } from "../errors.ts";
import type { CheckResult } from "../health.ts";
import type { Logger } from "../logger.ts";

/** Runs one statement and returns its rows. */
export type Query = <Row extends object>(text: string, values?: unknown[]) => Promise<Row[]>;

/** A connection outside the pool, for what belongs to one connection: a session lock, LISTEN. */
export interface Connection {
  client: pg.Client;
  query: Query;
  close(): Promise<void>;
}

export class DatabaseUnavailable extends Unavailable {
  override readonly name = "DatabaseUnavailable";
}

/**
 * The gateway's own database. Everything that goes wrong because it is away is a
 * DatabaseUnavailable.
 */
export class Database {
  readonly #settings: pg.ClientConfig;
  readonly #pool: pg.Pool;
  readonly #log: Logger;

  constructor(url: string, log: Logger) {
    this.#log = log;
    this.#settings = {
      connectionString: url,
      application_name: "gateway",
      connectionTimeoutMillis: 3_000,
      // A server that hangs is as good as away.
      query_timeout: 10_000,
      keepAlive: true,
    };
    this.#pool = new pg.Pool({ ...this.#settings, max: 10 });
    this.#pool.on("connect", (client) => this.#expectLoss(client));
    this.#pool.on("error", () => {});
  }

  /** Run one statement on its own. */
  query: Query = (text, values) => run(this.#pool, text, values);

  /** Run `work` in one transaction: all that it does is stored, or nothing. */
  async transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    const client = await orUnavailable(() => this.#pool.connect());
    const query: Query = (text, values) => run(client, text, values);
    try {
      await query("BEGIN");
      const result = await work(query);
      await query("COMMIT");
      client.release();
      return result;
    } catch (error) {
      // Nobody knows in what state the connection is. Without it the server rolls back by itself.
      client.release(true);
      throw error;
    }
  }

  async connect(): Promise<Connection> {
    const client = new pg.Client(this.#settings);
    this.#expectLoss(client);
    await orUnavailable(() => client.connect());
    return {
      client,
      query: (text, values) => run(client, text, values),
      close: () => client.end(),
    };
  }

  check = async (): Promise<CheckResult> => {
    await this.query("SELECT 1");
    return { status: "ok" };
  };

  async close(): Promise<void> {
    await this.#pool.end();
  }

  /**
   * Without a listener a connection that breaks would end the process; whoever uses it gets the
   * error anyway.
   */
  #expectLoss(client: pg.Client | pg.PoolClient): void {
    client.on("error", (error) => this.#log.warn({ err: error }, "database connection lost"));
  }
}

async function run<Row extends object>(
  target: pg.Pool | pg.Client | pg.PoolClient,
  text: string,
  values?: unknown[],
): Promise<Row[]> {
  const { rows } = await orUnavailable(() => target.query<Row>(text, values));
  return rows;
}

async function orUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (isOutage(cause)) throw new DatabaseUnavailable("The database is unavailable", { cause });
    throw cause;
  }
}

/**
 * An error that the server itself did not send means that it could not be reached. Of those that it
 * sends, these classes of SQLSTATE pass: 08 connection, 40 rollback (deadlock), 53 out of
 * resources, 57 shutting down or starting.
 */
function isOutage(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError) || /^(08|40|53|57)/.test(error.code ?? "");
}
