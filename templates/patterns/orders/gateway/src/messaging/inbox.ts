import type { Query } from "../database/database.ts";

/**
 * Record that `consumer` handles these events, in the transaction of their effects, and return those
 * that it has not handled before. The broker delivers at least once: this makes the effects happen
 * exactly once. Sorted, so that two replicas with the same events do not wait for each other.
 */
export async function firstDeliveries(
  query: Query,
  consumer: string,
  eventIds: string[],
): Promise<Set<string>> {
  const inserted = await query<{ event_id: string }>(
    `INSERT INTO inbox (consumer, event_id)
     SELECT $1, event_id FROM unnest($2::text[]) AS event_id ORDER BY event_id
     ON CONFLICT DO NOTHING RETURNING event_id`,
    [consumer, eventIds],
  );
  return new Set(inserted.map(({ event_id }) => event_id));
}
