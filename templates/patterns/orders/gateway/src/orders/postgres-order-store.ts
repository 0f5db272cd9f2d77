import { Batcher } from "../batcher.ts";
import type { Database, Query } from "../database/database.ts";
import { firstDeliveries } from "../messaging/inbox.ts";
import {
  forwardChanges,
  isOrderId,
  type OrderState,
  type OrderStatus,
  type StatusChange,
} from "./order.ts";
import { KeyReused, type NewOrder, type OrderStore } from "./order-store.ts";

/** The channel on which Postgres notifies all replicas of a changed order. */
export const ORDER_CHANGED = "order_changed";

// The name of this consumer in the inbox.
const CONSUMER = "gateway";

export class PostgresOrderStore implements OrderStore {
  readonly #database: Database;
  readonly #onAdded: () => void;
  readonly #adding = new Batcher((newOrders: NewOrder[]) => this.#addAll(newOrders));

  /** `onAdded` is called whenever an event was committed to the outbox. */
  constructor(database: Database, onAdded: () => void) {
    this.#database = database;
    this.#onAdded = onAdded;
  }

  async add(newOrder: NewOrder): Promise<string> {
    const isNew = await this.#adding.add(newOrder);
    return isNew ? newOrder.order.orderId : await findRepeated(this.#database.query, newOrder);
  }

  async find(orderId: string): Promise<OrderState | undefined> {
    if (!isOrderId(orderId)) return undefined;
    const rows = await this.#database.query<{
      status: OrderStatus;
      reason: string | null;
      step: OrderStatus;
      at: Date;
    }>(
      `SELECT o.status, o.reason, h.status AS step, h.at
       FROM orders o JOIN order_history h USING (order_id)
       WHERE order_id = $1
       ORDER BY array_position(ARRAY['pending', 'processing'], h.status) NULLS LAST`,
      [orderId],
    );
    const [order] = rows;
    if (!order) return undefined;
    return {
      orderId,
      status: order.status,
      history: rows.map(({ step, at }) => ({ status: step, at: at.toISOString() })),
      ...(order.reason !== null && { reason: order.reason }),
    };
  }

  async apply(changes: StatusChange[]): Promise<void> {
    await this.#database.transaction(async (query) => {
      const eventIds = changes.map(({ eventId }) => eventId);
      const pending = await firstDeliveries(query, CONSUMER, eventIds);
      // Delete instead of has: one batch may contain an event twice.
      await applyChanges(
        query,
        changes.filter(({ eventId }) => pending.delete(eventId)),
      );
    });
  }

  /** Store orders with their events; returns of each whether its idempotency key was new. */
  async #addAll(newOrders: NewOrder[]): Promise<boolean[]> {
    const inserted = await insertOrders(this.#database.query, newOrders);
    if (inserted.size > 0) this.#onAdded();
    return newOrders.map(({ order }) => inserted.has(order.orderId));
  }
}

/**
 * One statement, and so one transaction: an order with its history and its event, or nothing.
 * Sorted, so that two replicas with the same keys do not wait for each other.
 */
async function insertOrders(query: Query, newOrders: NewOrder[]): Promise<Set<string>> {
  const orders = newOrders.map(({ order, idempotencyKey }) => ({ ...order, idempotencyKey }));
  const inserted = await query<{ key: string }>(
    `WITH new_order AS (
       INSERT INTO orders (order_id, user_id, items, ship_to, status, idempotency_key)
       SELECT "orderId", "userId", items, "shipTo", 'pending', "idempotencyKey"
       FROM jsonb_to_recordset($1) AS given
         ("orderId" uuid, "userId" text, items jsonb, "shipTo" jsonb, "idempotencyKey" text)
       ORDER BY "idempotencyKey"
       ON CONFLICT (idempotency_key) DO NOTHING
       RETURNING order_id, status, created_at
     ), noted AS (
       INSERT INTO order_history (order_id, status, at)
       SELECT order_id, status, created_at FROM new_order
     )
     INSERT INTO outbox (id, topic, key, type, data, headers)
     SELECT event.* FROM jsonb_to_recordset($2) AS event
       (id uuid, topic text, key text, type text, data jsonb, headers jsonb)
     JOIN new_order ON key = order_id::text
     RETURNING key`,
    [JSON.stringify(orders), JSON.stringify(newOrders.map(({ event }) => event))],
  );
  return new Set(inserted.map(({ key }) => key));
}

async function findRepeated(query: Query, { order, idempotencyKey }: NewOrder): Promise<string> {
  const [earlier] = await query<{ order_id: string; same: boolean }>(
    `SELECT order_id,
            (user_id, items, ship_to) IS NOT DISTINCT FROM ($2, $3::jsonb, $4::jsonb) AS same
     FROM orders WHERE idempotency_key = $1`,
    // Serialised here, because pg would send an array as a Postgres array instead of JSON.
    [
      idempotencyKey,
      order.userId,
      JSON.stringify(order.items),
      order.shipTo && JSON.stringify(order.shipTo),
    ],
  );
  if (!earlier?.same) throw new KeyReused("The idempotency key belongs to a different order");
  return earlier.order_id;
}

async function applyChanges(query: Query, changes: StatusChange[]): Promise<void> {
  // Sorted, so that two replicas do not wait for each other.
  const orders = await query<{ order_id: string; status: OrderStatus }>(
    "SELECT order_id, status FROM orders WHERE order_id = ANY($1) ORDER BY order_id FOR UPDATE",
    [changes.map(({ orderId }) => orderId)],
  );
  const statuses = new Map(orders.map(({ order_id, status }) => [order_id, status]));
  const steps = forwardChanges(changes, statuses);
  await query(
    `WITH step AS (
       SELECT * FROM jsonb_to_recordset($1) AS step
         ("orderId" uuid, status text, reason text, at timestamptz, "isLast" boolean)
     ), changed AS (
       UPDATE orders SET status = step.status, reason = step.reason
       FROM step WHERE order_id = "orderId" AND "isLast"
     ), noted AS (
       INSERT INTO order_history (order_id, status, at) SELECT "orderId", status, at FROM step
     )
     SELECT pg_notify($2, "orderId"::text) FROM step WHERE "isLast"`,
    [
      JSON.stringify(
        steps.map((step) => ({ ...step, isLast: statuses.get(step.orderId) === step.status })),
      ),
      ORDER_CHANGED,
    ],
  );
}
