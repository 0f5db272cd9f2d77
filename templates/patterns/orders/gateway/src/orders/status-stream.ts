import { Unavailable } from "../errors.ts";
import { isFinal, type OrderState, statesSince } from "./order.ts";
import type { OrderStore } from "./order-store.ts";
import type { OrderUpdates } from "./order-updates.ts";

// Often enough that no proxy closes the connection as idle.
const HEARTBEAT_MS = 15_000;

/** The current state of an order and every later one, as Server-Sent Events, up to a final one. */
export async function* statusStream(
  orderId: string,
  { store, updates }: { store: OrderStore; updates: OrderUpdates },
  signal: AbortSignal,
): AsyncGenerator<string> {
  // Watch before reading: a change in between must not be missed.
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
      if (!changed) yield ": heartbeat\n\n";
    }
  } finally {
    signal.removeEventListener("abort", watch.close);
    watch.close();
  }
}

/** The id is the status: a client that reconnects reports the last one that it got. */
function toServerSentEvent(state: OrderState): string {
  return `id: ${state.status}\ndata: ${JSON.stringify(state)}\n\n`;
}

/** A short outage of the database does not end the stream: the next wake-up reads again. */
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
