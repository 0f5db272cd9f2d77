import type { CheckResult } from "../health.ts";

/** A message to publish. */
export interface Message {
  topic: string;
  /** Messages of one key stay in order. */
  key: string;
  value: Buffer;
  headers: Record<string, string>;
}

/** A message as it was consumed, and where. */
export interface ReceivedMessage extends Message {
  partition: number;
  offset: string;
}

/**
 * Processes messages. When it resolves they are done: handled, skipped, or dead letters. When it
 * rejects, for instance because `signal` aborted, they are delivered again.
 */
export type Deliver = (messages: ReceivedMessage[], signal: AbortSignal) => Promise<void>;

/** A running member of a consumer group. */
export interface Subscription {
  /** "ok" while it is a member of its group and makes progress. */
  check(): CheckResult;
  /** Finish the messages in hand, commit, and leave the group. */
  close(): Promise<void>;
}

/** The broker will never take a message, however often it is sent: it is too large, for instance. */
export class MessageRefused extends Error {
  override readonly name = "MessageRefused";
}

/** The port to the broker. To use another one, implement these methods. */
export interface Broker {
  /** Create the topics that do not exist yet. */
  ensureTopics(topics: string[]): Promise<void>;
  /**
   * Resolves when the broker has stored all messages; if it rejects, some may be stored too.
   *
   * @throws {MessageRefused} it will never store one of them
   */
  publish(messages: Message[]): Promise<void>;
  /** Consume `topic` as a member of `group`: at least once, and in order for each key. */
  subscribe(topic: string, group: string, deliver: Deliver): Subscription;
  close(): Promise<void>;
}

/** Where messages go that cannot be handled. */
export const deadLetterTopic = (topic: string): string => `${topic}.dlq`;
export const takesDeadLetters = (topic: string): boolean => topic.endsWith(deadLetterTopic(""));
