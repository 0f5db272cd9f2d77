import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../logger.ts";
import { type Backoff, exponential, whileUnavailable } from "../retry.ts";
import { type Broker, type Deliver, deadLetterTopic, type ReceivedMessage } from "./broker.ts";
import { type CloudEvent, eventType, fromMessage } from "./cloud-event.ts";

const MAX_ATTEMPTS = 5;

/** What a part of the gateway does with the events that it listens to. */
export interface EventHandler<Input> {
  /** The types of event that it takes; all others on the topic are passed over. */
  types: ReadonlySet<string>;
  /** Take from an event what is needed of it; an InvalidEvent when it is not there. */
  read(event: CloudEvent): Input;
  /** Do what the events ask for, all or nothing, and no more than once for each event id. */
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
 * Bring messages to a handler, and decide what becomes of those that fail. Broken ones are dead
 * letters at once. While the database is away, all wait: no message is to blame. What fails
 * otherwise gets five attempts and is then a dead letter, so that it does not hold up the messages
 * behind it.
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
        await putAside(message, error, 1);
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
      // One of them spoiled the transaction of all. On their own, only that one fails.
      for (const delivery of deliveries) await deliverAlone(delivery, signal);
    }
  }

  async function deliverAlone(delivery: Delivery<Input>, signal: AbortSignal): Promise<void> {
    for (let attempts = 1; ; attempts++) {
      try {
        return await attempt([delivery], signal);
      } catch (error) {
        if (signal.aborted) throw error;
        if (attempts === MAX_ATTEMPTS) return await putAside(delivery.message, error, attempts);
        await sleep(backoff(attempts), undefined, { signal });
      }
    }
  }

  function attempt(deliveries: Delivery<Input>[], signal: AbortSignal): Promise<void> {
    const inputs = deliveries.map(({ input }) => input);
    return whileUnavailable(() => handle(inputs), { log, signal, backoff });
  }

  async function putAside(
    message: ReceivedMessage,
    error: unknown,
    attempts: number,
  ): Promise<void> {
    const { topic, partition, offset, key, value, headers } = message;
    log.error({ err: error, topic, partition, offset, key, attempts }, "message is a dead letter");
    const deadLetter = {
      topic: deadLetterTopic(topic),
      key,
      value,
      headers: {
        ...headers,
        "dlq-reason": error instanceof Error ? error.message : String(error),
        "dlq-group": group,
        "dlq-topic": topic,
        "dlq-partition": String(partition),
        "dlq-offset": offset,
        "dlq-attempts": String(attempts),
        "dlq-time": new Date().toISOString(),
      },
    };
    await broker.publish([deadLetter]);
  }
}
