import type { CheckResult } from "../health.ts";

/** A message on its way out. */
export interface Message {
  topic: string;
  /** Messages of one key stay in order. */
  key: string;
  value: Buffer;
  headers: Record<string, string>;
}

/**
 * A message as it was read; `partition` and `offset` tell where, for people and for the dead
 * letter.
 */
export interface ReceivedMessage extends Message {
  partition: number;
  offset: string;
}

/**
 * Deals with messages for good: when it resolves, they need not come again. When it rejects,
 * because `signal` told it to stop or because it could not even put a message aside, they come
 * again.
 */
export type Deliver = (messages: ReceivedMessage[], signal: AbortSignal) => Promise<void>;

/** A member of a consumer group at work. */
export interface Subscription {
  /** "ok" while it belongs to its group and gets on with what there is to read. */
  check(): CheckResult;
  /** Finish the messages in hand, tell the broker how far we came, leave the group. */
  close(): Promise<void>;
}

/**
 * All that this process asks of a broker. Another broker is another implementation of these four
 * methods.
 */
export interface Broker {
  /** Create those topics that do not exist. */
  ensureTopics(topics: string[]): Promise<void>;
  /**
   * Resolves when the broker has all messages safe; when it rejects, any of them may have been
   * stored.
   */
  publish(messages: Message[]): Promise<void>;
  /**
   * Read `topic` as one of `group`, from where the group left off: at least once, in order within a
   * key.
   */
  subscribe(topic: string, group: string, deliver: Deliver): Subscription;
  close(): Promise<void>;
}

/** Where messages go that could not be handled. */
export const deadLetterTopic = (topic: string): string => `${topic}.dlq`;
