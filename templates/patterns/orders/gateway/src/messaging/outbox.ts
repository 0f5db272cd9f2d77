import type { Query } from "../database/database.ts";
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
     WHERE published_at IS NULL ORDER BY seq LIMIT $1`,
    [limit],
  );
  return { seqs: rows.map(({ seq }) => seq), messages: rows.map(rowToMessage) };
}

export async function markPublished(query: Query, seqs: string[]): Promise<void> {
  await query("UPDATE outbox SET published_at = now() WHERE seq = ANY($1)", [seqs]);
}

/** Delete rows that were published long ago. */
export async function prunePublished(query: Query): Promise<void> {
  await query("DELETE FROM outbox WHERE published_at < now() - interval '7 days'");
}

function rowToMessage({ id, topic, key, type, data, headers, created_at }: OutboxRow): Message {
  return toMessage({ id, type, source: SOURCE, time: created_at, data, ...headers }, topic, key);
}
