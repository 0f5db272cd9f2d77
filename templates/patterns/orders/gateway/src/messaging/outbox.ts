import type { Query } from "../database/database.ts";
import type { CheckResult } from "../health.ts";
import type { Message } from "./broker.ts";
import { toMessage } from "./cloud-event.ts";

const SOURCE = "/gateway";

/** An event to publish once its transaction is committed. */
export interface OutgoingEvent {
  id: string;
  topic: string;
  key: string;
  type: string;
  data: unknown;
  headers: { traceparent?: string };
}

interface OutboxRow extends OutgoingEvent {
  seq: string;
  created_at: Date;
}

/** The oldest unpublished events as messages, with the numbers of their rows. */
export async function readUnpublished(
  query: Query,
  limit: number,
): Promise<{ seqs: string[]; messages: Message[] }> {
  const rows = await query<OutboxRow>(
    `SELECT seq, id, topic, key, type, data, headers, created_at FROM outbox
     WHERE published_at IS NULL AND refusal IS NULL ORDER BY seq LIMIT $1`,
    [limit],
  );
  return { seqs: rows.map(({ seq }) => seq), messages: rows.map(rowToMessage) };
}

export async function markPublished(query: Query, seqs: string[]): Promise<void> {
  await query("UPDATE outbox SET published_at = now() WHERE seq = ANY($1)", [seqs]);
}

/** Set an event aside that the broker will never take. */
export async function markRefused(query: Query, seq: string, refusal: string): Promise<void> {
  await query("UPDATE outbox SET refusal = $2 WHERE seq = $1", [seq, refusal]);
}

/** Tell how many events were set aside. The process is well: it is for a person to look at them. */
export async function checkOutbox(query: Query): Promise<CheckResult> {
  const [row] = await query<{ refused: number }>(
    "SELECT count(*)::int AS refused FROM outbox WHERE refusal IS NOT NULL",
  );
  return { status: "ok", ...row };
}

/** Delete rows that were published long ago. */
export async function prunePublished(query: Query): Promise<void> {
  await query("DELETE FROM outbox WHERE published_at < now() - interval '7 days'");
}

function rowToMessage({ id, topic, key, type, data, headers, created_at }: OutboxRow): Message {
  return toMessage({ id, type, source: SOURCE, time: created_at, data, ...headers }, topic, key);
}
