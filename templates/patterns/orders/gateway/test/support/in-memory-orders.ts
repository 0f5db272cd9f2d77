import { isDeepStrictEqual } from "node:util";
import { Unavailable } from "../../src/errors.ts";
import type { OutgoingEvent } from "../../src/messaging/outbox.ts";
import {
  forwardChanges,
  type Order,
  type OrderState,
  type StatusChange,
} from "../../src/orders/order.ts";
import { KeyReused, type NewOrder, type OrderStore } from "../../src/orders/order-store.ts";
import type { OrderUpdates, OrderWatch } from "../../src/orders/order-updates.ts";
import { Wakeup } from "../../src/wakeup.ts";

/** Orders without a database: the store, the news of it, and the outbox to look into. */
export class InMemoryOrders implements OrderStore, OrderUpdates {
  readonly store = this;
  readonly updates = this;
  readonly outbox: OutgoingEvent[] = [];
  /** Set it to false to try what happens while the database is away. */
  available = true;
  /** How many calls have failed because it was. */
  refusals = 0;
  readonly #states = new Map<string, OrderState>();
  readonly #keys = new Map<string, Order>();
  readonly #handled = new Set<string>();
  readonly #watchers = new Map<string, Set<Wakeup>>();

  async add({ order, event, idempotencyKey }: NewOrder): Promise<string> {
    this.#requireAvailable();
    const earlier = idempotencyKey && this.#keys.get(idempotencyKey);
    if (earlier) {
      const repeated = { ...order, orderId: earlier.orderId };
      if (!isDeepStrictEqual(repeated, earlier)) throw new KeyReused("Another order");
      return earlier.orderId;
    }
    if (idempotencyKey) this.#keys.set(idempotencyKey, order);
    const { orderId } = order;
    const at = new Date().toISOString();
    this.#states.set(orderId, { orderId, status: "pending", history: [{ status: "pending", at }] });
    this.outbox.push(event);
    return orderId;
  }

  async find(orderId: string): Promise<OrderState | undefined> {
    this.#requireAvailable();
    return structuredClone(this.#states.get(orderId));
  }

  async apply(changes: StatusChange[]): Promise<void> {
    this.#requireAvailable();
    const fresh = changes.filter(({ eventId }) => !this.#handled.has(eventId));
    const statuses = new Map([...this.#states].map(([id, { status }]) => [id, status]));
    for (const { eventId } of fresh) this.#handled.add(eventId);
    for (const { orderId, status, at, reason } of forwardChanges(fresh, statuses)) {
      const state = this.#states.get(orderId) as OrderState;
      state.status = status;
      state.history.push({ status, at: at.toISOString() });
      if (reason) state.reason = reason;
      this.wake(orderId);
    }
  }

  watch(orderId: string): OrderWatch {
    const wakeup = new Wakeup();
    const watchers = this.#watchers.get(orderId) ?? new Set();
    this.#watchers.set(orderId, watchers.add(wakeup));
    return {
      changed: (ms) => wakeup.sleep(ms),
      close: () => {
        watchers.delete(wakeup);
        wakeup.wake();
      },
    };
  }

  wake(orderId: string): void {
    for (const wakeup of this.#watchers.get(orderId) ?? []) wakeup.wake();
  }

  watchers(orderId: string): number {
    return this.#watchers.get(orderId)?.size ?? 0;
  }

  #requireAvailable(): void {
    if (this.available) return;
    this.refusals++;
    throw new Unavailable("The database is away");
  }
}
