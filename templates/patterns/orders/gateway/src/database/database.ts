import pg from "pg";
import { Unavailable } from "../errors.ts";
import type { CheckResult } from "../health.ts";
import type { Logger } from "../logger.ts";

// How the server finds out that the host of a client is gone: after 25 s, not after hours, in which
// nobody else would get the locks of the dead.
const SERVER_SETTINGS = [
  "-c tcp_keepalives_idle=10",
  "-c tcp_keepalives_interval=5",
  "-c tcp_keepalives_count=3",
  "-c tcp_user_timeout=25s",
].join(" ");

/** Runs one statement and returns its rows. */
export type Query = <Row extends object>(text: string, values?: unknown[]) => Promise<Row[]>;

/** A connection outside the pool, for session locks and LISTEN. */
export interface Connection {
  client: pg.Client;
  query: Query;
  close(): Promise<void>;
}

export class DatabaseUnavailable extends Unavailable {
  override readonly name = "DatabaseUnavailable";
}

/** The gateway's own database; throws `DatabaseUnavailable` whenever it cannot be reached. */
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
      // A server that hangs counts as unavailable too.
      query_timeout: 10_000,
      keepAlive: true,
      options: SERVER_SETTINGS,
    };
    this.#pool = new pg.Pool({ ...this.#settings, max: 10 });
    this.#pool.on("connect", (client) => this.#expectLoss(client));
    this.#pool.on("error", () => {});
  }

  /** Run one statement outside of any transaction. */
  query: Query = (text, values) => run(this.#pool, text, values);

  /** Run `work` in a transaction, which is committed when it returns. */
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
      // The connection may be broken. Closing it makes the server roll back in any case.
      client.release(true);
      throw error;
    }
  }

  async connect(settings: Pick<pg.ClientConfig, "query_timeout"> = {}): Promise<Connection> {
    const client = new pg.Client({ ...this.#settings, ...settings });
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

  /** Without a listener, a lost connection would crash the process. */
  #expectLoss(client: pg.Client | pg.PoolClient): void {
    client.on("error", (error) => this.#log.warn({ err: error }, "database connection lost"));
  }
}

async function run<Row extends object>(
  target: pg.Pool | pg.Client | pg.PoolClient,
  text: string,
  values?: unknown[],
): Promise<Row[]> {
  const { rows } = await orUnavailable(() =>
    values
      ? target.query<Row>({ name: statementName(text), text, values })
      : target.query<Row>(text),
  );
  return rows;
}

const statementNames = new Map<string, string>();

/** A statement with a name is prepared once on each connection, instead of planned every time. */
function statementName(text: string): string {
  const name = statementNames.get(text) ?? `statement-${statementNames.size + 1}`;
  statementNames.set(text, name);
  return name;
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
 * Errors that do not come from the server mean that it cannot be reached. Of those that do, these
 * SQLSTATE classes are temporary: 08 connection, 40 rollback, 53 resources, 57 shutdown or start.
 * A TypeError is neither: the caller gave a value that has no form in JSON, and will do so again.
 */
function isOutage(error: unknown): boolean {
  if (error instanceof TypeError) return false;
  return !(error instanceof pg.DatabaseError) || /^(08|40|53|57)/.test(error.code ?? "");
}
