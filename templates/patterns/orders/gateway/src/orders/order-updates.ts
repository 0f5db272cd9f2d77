import { once } from "node:events";
import { type BackgroundTask, runInBackground } from "../background.ts";
import type { Database } from "../database/database.ts";
import type { CheckResult } from "../health.ts";
import type { Logger } from "../logger.ts";
import { Wakeup } from "../wakeup.ts";
import { ORDER_CHANGED } from "./postgres-order-store.ts";

/** The port to notifications of changed orders. */
export interface OrderUpdates {
  watch(orderId: string): OrderWatch;
}

export interface OrderWatch {
  /** Wait for a change, at most `ms`; returns whether there may have been one. */
  changed(ms: number): Promise<boolean>;
  /** Stop watching, and end a wait that is under way. */
  close(): void;
}

/**
 * Listens to Postgres, so that it does not matter which replica changed an order. All watchers
 * share one connection. A notification is only a hint to read the state again, and so is every
 * reconnect, because notifications may have been missed before it.
 */
export class PostgresOrderUpdates implements OrderUpdates {
  readonly #database: Database;
  readonly #watchers = new Map<string, Set<Wakeup>>();
  readonly #task: BackgroundTask;
  #listening = false;

  constructor(database: Database, log: Logger) {
    this.#database = database;
    this.#task = runInBackground("order updates", (signal) => this.#listen(signal), log);
  }

  watch(orderId: string): OrderWatch {
    const wakeup = new Wakeup();
    const watchers = this.#watchers.get(orderId) ?? new Set();
    this.#watchers.set(orderId, watchers.add(wakeup));
    return {
      changed: (ms) => wakeup.sleep(ms),
      close: () => {
        if (watchers.delete(wakeup) && watchers.size === 0) this.#watchers.delete(orderId);
        wakeup.wake();
      },
    };
  }

  check = (): CheckResult => ({ status: this.#listening ? "ok" : "unavailable" });

  stop(): Promise<void> {
    return this.#task.stop();
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const { client, query, close } = await this.#database.connect();
    try {
      client.on("notification", ({ payload }) => this.#wake(this.#watchers.get(payload ?? "")));
      await query(`LISTEN ${ORDER_CHANGED}`);
      this.#listening = true;
      for (const watchers of this.#watchers.values()) this.#wake(watchers);
      await once(client, "end", { signal });
    } finally {
      this.#listening = false;
      await close();
    }
  }

  #wake(watchers: Iterable<Wakeup> = []): void {
    for (const wakeup of watchers) wakeup.wake();
  }
}
