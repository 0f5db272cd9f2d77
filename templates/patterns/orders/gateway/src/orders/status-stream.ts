import { Unavailable } from "../errors.ts";
import { isFinal, type OrderState, statesSince } from "./order.ts";
import type { OrderStore } from "./order-store.ts";
import type { OrderUpdates } from "./order-updates.ts";

// Often enough that no proxy on the way takes the connection for dead.
const HEARTBEAT_MS = 15_000;

/**
 * An order's present state and every later one, as Server-Sent Events, until the order has come to
 * its end or `signal` tells us to stop.
 */
export async function* statusStream(
  orderId: string,
  { store, updates }: { store: OrderStore; updates: OrderUpdates },
  signal: AbortSignal,
): AsyncGenerator<string> {
  // Watch first, read then: so a change between the two is not missed.
  const watch = updates.watch(orderId);
  signal.addEventListener("abort", watch.close);
  try {
    let sent = 0;
    while (!signal.aborted) {
      const order = await findIfAvailable(store, orderId);
      if (order) {
        const states = sent === 0 ? [order] : statesSince(order, sent);
        for (const state of states) yield toServerSentEvent(state);
        if (isFinal(order.status)) return;
        sent = order.history.length;
      }
      const changed = await watch.changed(HEARTBEAT_MS);
      if (!changed) yield ": the order is still under way\n\n";
    }
  } finally {
    signal.removeEventListener("abort", watch.close);
    watch.close();
  }
}

/**
 * The status is the id of its event: a client that reconnects after the final one says so, and
 * needs no other.
 */
function toServerSentEvent(state: OrderState): string {
  return `id: ${state.status}\ndata: ${JSON.stringify(state)}\n\n`;
}

/**
 * A database that is away for a moment is no reason to send the watcher away: it is looked at again
 * with the next news.
 */
async function findIfAvailable(
  store: OrderStore,
  orderId: string,
): Promise<OrderState | undefined> {
  try {
    return await store.find(orderId);
  } catch (error) {
    if (error instanceof Unavailable) return undefined;
    throw error;
  }
}
