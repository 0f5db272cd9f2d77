import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../logger.ts";
import { type Backoff, exponential, whileUnavailable } from "../retry.ts";
import {
  type Broker,
  type Deliver,
  deadLetterTopic,
  type Message,
  MessageRefused,
  type ReceivedMessage,
} from "./broker.ts";
import { type CloudEvent, eventType, fromMessage } from "./cloud-event.ts";

const MAX_ATTEMPTS = 5;
const MAX_REASON = 500;
// Under load a batch is at least what arrives within this time; a single message never waits.
const PAUSE_MS = 10;

/** Handles the events of some types. */
export interface EventHandler<Input> {
  /** All other types on the topic are skipped. */
  types: ReadonlySet<string>;
  /** Validate an event and take from it what is needed; throws `InvalidEvent`. */
  read(event: CloudEvent): Input;
  /** Handle all events in one transaction, each event id only once. */
  handle(inputs: Input[]): Promise<void>;
}

export interface ConsumerOptions {
  group: string;
  broker: Pick<Broker, "publish">;
  log: Logger;
  backoff?: Backoff;
}

interface Delivery<Input> {
  message: ReceivedMessage;
  input: Input;
}

/**
 * Pass messages to a handler and decide what happens to those that fail:
 * - an invalid event becomes a dead letter at once;
 * - while the database is unavailable, everything waits, since no message is to blame;
 * - any other error gets five attempts before the message becomes a dead letter, so that it does
 *   not block the messages behind it.
 */
export function consumer<Input>(
  { types, read, handle }: EventHandler<Input>,
  { group, broker, log, backoff = exponential }: ConsumerOptions,
): Deliver {
  return async (messages, signal) => {
    const deliveries: Delivery<Input>[] = [];
    for (const message of messages) {
      try {
        if (!types.has(eventType(message))) continue;
        deliveries.push({ message, input: read(fromMessage(message)) });
      } catch (error) {
        await deadLetter(message, error, 1);
      }
    }
    await deliver(deliveries, signal);
  };

  async function deliver(deliveries: Delivery<Input>[], signal: AbortSignal): Promise<void> {
    if (deliveries.length === 0) return;
    try {
      await attempt(deliveries, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      // One of them failed the transaction of all. On their own, only that one fails.
      for (const delivery of deliveries) await deliverAlone(delivery, signal);
    }
    await sleep(PAUSE_MS);
  }

  async function deliverAlone(delivery: Delivery<Input>, signal: AbortSignal): Promise<void> {
    for (let attempts = 1; ; attempts++) {
      try {
        return await attempt([delivery], signal);
      } catch (error) {
        if (signal.aborted) throw error;
        if (attempts === MAX_ATTEMPTS) return await deadLetter(delivery.message, error, attempts);
        await sleep(backoff(attempts), undefined, { signal });
      }
    }
  }

  function attempt(deliveries: Delivery<Input>[], signal: AbortSignal): Promise<void> {
    const inputs = deliveries.map(({ input }) => input);
    return whileUnavailable(() => handle(inputs), { log, signal, backoff });
  }

  async function deadLetter(
    message: ReceivedMessage,
    error: unknown,
    attempts: number,
  ): Promise<void> {
    const { topic, partition, offset, key } = message;
    log.error({ err: error, topic, partition, offset, key, attempts }, "message is a dead letter");
    try {
      await broker.publish([toDeadLetter(message, error, attempts, group)]);
    } catch (refusal) {
      if (!(refusal instanceof MessageRefused)) throw refusal;
      // It lies where it was: the log says where.
      log.error({ err: refusal, topic, partition, offset, key }, "dead letter cannot be published");
    }
  }
}

function toDeadLetter(
  { topic, partition, offset, key, value, headers }: ReceivedMessage,
  error: unknown,
  attempts: number,
  group: string,
): Message {
  const notes = {
    "dlq-reason": String(error instanceof Error ? error.message : error).slice(0, MAX_REASON),
    "dlq-group": group,
    "dlq-topic": topic,
    "dlq-partition": String(partition),
    "dlq-offset": offset,
    "dlq-attempts": String(attempts),
    "dlq-time": new Date().toISOString(),
  };
  return { topic: deadLetterTopic(topic), key, value, headers: { ...headers, ...notes } };
}
