import type { Database, Query } from "../database/database.ts";
import { firstDeliveries } from "../messaging/inbox.ts";
import { addToOutbox } from "../messaging/outbox.ts";
import {
  isOrderId,
  type OrderState,
  type OrderStatus,
  predecessors,
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

  /** `onAdded` is called whenever an event was committed to the outbox. */
  constructor(database: Database, onAdded: () => void) {
    this.#database = database;
    this.#onAdded = onAdded;
  }

  async add(newOrder: NewOrder): Promise<string> {
    const { orderId } = newOrder.order;
    const storedId = await this.#database.transaction(async (query) => {
      if (!(await insertOrder(query, newOrder))) return await findRepeated(query, newOrder);
      await addToOutbox(query, newOrder.event);
      return orderId;
    });
    if (storedId === orderId) this.#onAdded();
    return storedId;
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
      for (const change of changes) {
        // Delete instead of has: one batch may contain an event twice.
        if (pending.delete(change.eventId)) await applyChange(query, change);
      }
    });
  }
}

/** Returns false when there is an order with the same idempotency key. */
async function insertOrder(query: Query, { order, idempotencyKey }: NewOrder): Promise<boolean> {
  const inserted = await query(
    `WITH new_order AS (
       INSERT INTO orders (order_id, user_id, items, ship_to, status, idempotency_key)
       VALUES ($1, $2, $3, $4, 'pending', $5)
       ON CONFLICT (idempotency_key) DO NOTHING
       RETURNING order_id, status, created_at
     )
     INSERT INTO order_history (order_id, status, at)
     SELECT order_id, status, created_at FROM new_order
     RETURNING order_id`,
    [order.orderId, ...orderColumns(order), idempotencyKey],
  );
  return inserted.length === 1;
}

async function findRepeated(query: Query, { order, idempotencyKey }: NewOrder): Promise<string> {
  const [earlier] = await query<{ order_id: string; same: boolean }>(
    `SELECT order_id,
            (user_id, items, ship_to) IS NOT DISTINCT FROM ($2, $3::jsonb, $4::jsonb) AS same
     FROM orders WHERE idempotency_key = $1`,
    [idempotencyKey, ...orderColumns(order)],
  );
  if (!earlier?.same) throw new KeyReused("The idempotency key belongs to a different order");
  return earlier.order_id;
}

/** Serialised here, because pg would send an array as a Postgres array instead of JSON. */
function orderColumns({ userId, items, shipTo }: NewOrder["order"]) {
  return [userId, JSON.stringify(items), shipTo && JSON.stringify(shipTo)];
}

async function applyChange(query: Query, change: StatusChange): Promise<void> {
  const { orderId, status, reason, at } = change;
  await query(
    `WITH changed AS (
       UPDATE orders SET status = $2, reason = $3
       WHERE order_id = $1 AND status = ANY($4)
       RETURNING order_id
     ), noted AS (
       INSERT INTO order_history (order_id, status, at)
       SELECT order_id, $2, $5 FROM changed
     )
     SELECT pg_notify($6, order_id::text) FROM changed`,
    [orderId, status, reason, predecessors(status), at, ORDER_CHANGED],
  );
}
