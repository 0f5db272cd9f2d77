import type { Query } from "../database/database.ts";

/**
 * Record that `consumer` handles these events, in the transaction of their effects, and return those
 * that it has not handled before. The broker delivers at least once: this makes the effects happen
 * exactly once.
 */
export async function firstDeliveries(
  query: Query,
  consumer: string,
  eventIds: string[],
): Promise<Set<string>> {
  const inserted = await query<{ event_id: string }>(
    `INSERT INTO inbox (consumer, event_id) SELECT $1, unnest($2::text[])
     ON CONFLICT DO NOTHING RETURNING event_id`,
    [consumer, eventIds],
  );
  return new Set(inserted.map(({ event_id }) => event_id));
}
