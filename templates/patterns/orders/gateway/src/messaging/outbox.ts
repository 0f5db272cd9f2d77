import type { Query } from "../database/database.ts";
import type { CheckResult } from "../health.ts";
import type { Message } from "./broker.ts";
import { toMessage } from "./cloud-event.ts";

const SOURCE = "/gateway";
// What is read at once. The last event may go beyond the bytes: one is never too large to be read.
const MAX_EVENTS = 500;
const MAX_BYTES = 4_000_000;

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
  /** Of this event and those before it. */
  bytes: string;
}

/** The oldest unpublished events, with the numbers of their rows. */
export interface Batch {
  seqs: string[];
  messages: Message[];
  /** There may be more of them. */
  full: boolean;
}

export async function readUnpublished(query: Query): Promise<Batch> {
  const rows = await query<OutboxRow>(
    `SELECT seq, id, topic, key, type, data, headers, created_at, bytes
     FROM (
       SELECT *, sum(pg_column_size(data)) OVER (ORDER BY seq) AS bytes
       FROM outbox
       WHERE published_at IS NULL AND refusal IS NULL
       ORDER BY seq
       LIMIT $1
     ) AS oldest
     WHERE bytes - pg_column_size(data) < $2
     ORDER BY seq`,
    [MAX_EVENTS, MAX_BYTES],
  );
  return {
    seqs: rows.map(({ seq }) => seq),
    messages: rows.map(rowToMessage),
    full: rows.length === MAX_EVENTS || Number(rows.at(-1)?.bytes ?? 0) >= MAX_BYTES,
  };
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
