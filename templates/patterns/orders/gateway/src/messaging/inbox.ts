import type { Query } from "../database/database.ts";

/**
 * Record that `consumer` handles an event, in the transaction of its effect; returns false if it
 * has before. The broker delivers at least once: this makes the effect happen exactly once.
 */
export async function isFirstDelivery(
  query: Query,
  consumer: string,
  eventId: string,
): Promise<boolean> {
  const inserted = await query(
    `INSERT INTO inbox (consumer, event_id) VALUES ($1, $2)
     ON CONFLICT DO NOTHING RETURNING event_id`,
    [consumer, eventId],
  );
  return inserted.length === 1;
}
