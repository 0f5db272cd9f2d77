import type { Message, ReceivedMessage } from "./broker.ts";

/** An event: what it is about in `data`, and about the event itself in the rest. */
export interface CloudEvent<Data = unknown> {
  id: string;
  type: string;
  source: string;
  time: Date;
  data: Data;
  /** W3C trace context of the request that caused it. */
  traceparent?: string;
}

/**
 * A message that is no event, or not the event that it says it is. It will not get better by trying
 * again.
 */
export class InvalidEvent extends Error {
  override readonly name = "InvalidEvent";
}

/** CloudEvents 1.0, binary mode: the data is the body, the rest are headers. */
export function toMessage(event: CloudEvent, topic: string, key: string): Message {
  return {
    topic,
    key,
    value: Buffer.from(JSON.stringify(event.data)),
    headers: {
      ce_specversion: "1.0",
      ce_id: event.id,
      ce_type: event.type,
      ce_source: event.source,
      ce_time: event.time.toISOString(),
      "content-type": "application/json",
      ...(event.traceparent && { traceparent: event.traceparent }),
    },
  };
}

/** Tell the type of an event without reading the rest, which only those need who know the type. */
export function eventType({ headers }: ReceivedMessage): string {
  if (headers.ce_specversion !== "1.0") throw new InvalidEvent("it is no CloudEvent 1.0");
  return required(headers, "ce_type");
}

/**
 * Read a message as an event; whether the data is what the type promises is for the reader to
 * check.
 */
export function fromMessage(message: ReceivedMessage): CloudEvent {
  const { headers, value } = message;
  const time = new Date(required(headers, "ce_time"));
  if (Number.isNaN(time.getTime())) throw new InvalidEvent("ce_time is not a time");
  return {
    id: required(headers, "ce_id"),
    type: eventType(message),
    source: required(headers, "ce_source"),
    time,
    data: parseJson(value),
    ...(headers.traceparent && { traceparent: headers.traceparent }),
  };
}

function required(headers: Record<string, string>, name: string): string {
  const value = headers[name];
  if (!value) throw new InvalidEvent(`the header ${name} is missing`);
  return value;
}

function parseJson(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString());
  } catch (cause) {
    throw new InvalidEvent("the body is not JSON", { cause });
  }
}
