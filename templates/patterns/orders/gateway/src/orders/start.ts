import type { Config } from "../config.ts";
import { Database } from "../database/database.ts";
import { migrate } from "../database/migrate.ts";
import type { Check } from "../health.ts";
import type { Logger } from "../logger.ts";
import { connectBroker } from "../messaging/connect.ts";
import { consumer } from "../messaging/consumer.ts";
import { checkOutbox } from "../messaging/outbox.ts";
import { pruneInbox } from "../messaging/pruning.ts";
import { Relay } from "../messaging/relay.ts";
import { whileUnavailable } from "../retry.ts";
import { ORDERS_TOPIC, readStatusChange, statusEventTypes } from "./order-events.ts";
import { PostgresOrderUpdates } from "./order-updates.ts";
import { PostgresOrderStore } from "./postgres-order-store.ts";
import type { Orders } from "./routes.ts";

const GROUP = "gateway";

/** What the routes need, with the background work behind it. */
export interface RunningOrders extends Orders {
  checks: Record<string, Check>;
  close(): Promise<void>;
}

/** Migrate the database, then start the relay, the consumer and the updates. */
export async function startOrders(config: Config, log: Logger): Promise<RunningOrders> {
  const database = new Database(config.DATABASE_URL, log);
  await whileUnavailable(() => migrate(database, log), { log });

  const broker = connectBroker(config.BROKER_URL, log);
  const relay = new Relay(database, broker, [ORDERS_TOPIC], log);
  const store = new PostgresOrderStore(database, () => relay.wake());
  const updates = new PostgresOrderUpdates(database, log);
  const deliver = consumer(
    {
      types: statusEventTypes,
      read: readStatusChange,
      handle: (changes) => store.apply(changes),
    },
    { group: GROUP, broker, log },
  );
  const subscription = broker.subscribe(ORDERS_TOPIC, GROUP, deliver);
  const pruning = pruneInbox(database.query, log);

  return {
    store,
    updates,
    checks: {
      database: database.check,
      relay: relay.check,
      outbox: () => checkOutbox(database.query),
      consumer: () => subscription.check(),
      updates: updates.check,
    },
    async close() {
      await subscription.close();
      await pruning.stop();
      await relay.stop();
      await broker.close();
      await updates.stop();
      await database.close();
    },
  };
}
