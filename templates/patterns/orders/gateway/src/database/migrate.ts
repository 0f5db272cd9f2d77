import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../logger.ts";
import type { Connection, Database } from "./database.ts";

const FOLDER = join(import.meta.dirname, "../../migrations");
const LOCK = 1;

/** Apply the files of migrations/ that this database does not have yet, in order. */
export async function migrate(database: Database, log: Logger): Promise<void> {
  // A large table takes its time, and so does another replica that is at it.
  const connection = await database.connect({ query_timeout: 0 });
  try {
    // Replicas that start together take turns; closing the connection releases the lock.
    await connection.query("SELECT pg_advisory_lock($1)", [LOCK]);
    for (const name of await pending(connection)) {
      await connection.query("BEGIN");
      await connection.query(await readFile(join(FOLDER, name), "utf8"));
      await connection.query("INSERT INTO migrations (name) VALUES ($1)", [name]);
      await connection.query("COMMIT");
      log.info({ migration: name }, "migrated");
    }
  } finally {
    await connection.close();
  }
}

async function pending({ query }: Connection): Promise<string[]> {
  await query(
    `CREATE TABLE IF NOT EXISTS migrations (
       name text PRIMARY KEY,
       applied_at timestamptz NOT NULL DEFAULT now()
     )`,
  );
  const applied = await query<{ name: string }>("SELECT name FROM migrations");
  const done = new Set(applied.map(({ name }) => name));
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith(".sql"));
  return files.filter((name) => !done.has(name)).sort();
}
