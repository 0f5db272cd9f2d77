import { type Message, MessageRefused, type ReceivedMessage } from "../../src/messaging/broker.ts";
import { type CloudEvent, toMessage } from "../../src/messaging/cloud-event.ts";

/**
 * A broker that only remembers what was published. It stores the messages that come before one that
 * is too large, as a real one may.
 */
export class InMemoryBroker {
  readonly published: Message[] = [];
  maxBytes = Number.POSITIVE_INFINITY;

  async publish(messages: Message[]): Promise<void> {
    for (const message of messages) {
      if (message.value.length > this.maxBytes) throw new MessageRefused("too large");
      this.published.push(message);
    }
  }
}

let offset = 0;

/** A message as a consumer gets it. */
export function received(overrides: Partial<CloudEvent> = {}): ReceivedMessage {
  const event = {
    id: `event-${++offset}`,
    type: "thing.happened",
    source: "/test",
    time: new Date("2026-01-01T00:00:00Z"),
    data: {},
    ...overrides,
  };
  return { ...toMessage(event, "things", "key-1"), partition: 3, offset: String(offset) };
}
