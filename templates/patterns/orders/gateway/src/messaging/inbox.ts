import type { Query } from "../database/database.ts";

/**
 * Note, in the transaction of its effect, that `consumer` handles this event; false when it already
 * did. A broker delivers at least once. This makes the effect happen once.
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
