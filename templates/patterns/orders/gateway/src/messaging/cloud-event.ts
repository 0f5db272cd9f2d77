import type { Message, ReceivedMessage } from "./broker.ts";

/** CloudEvents 1.0, as far as it is used here. */
export interface CloudEvent<Data = unknown> {
  id: string;
  type: string;
  source: string;
  time: Date;
  data: Data;
  /** W3C trace context of the request that caused the event. */
  traceparent?: string;
}

/** The message is not the event that it should be. Trying again will not help. */
export class InvalidEvent extends Error {
  override readonly name = "InvalidEvent";
}

/** Encode in binary mode: the data is the body, all else are headers. */
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

/** The type of the event; the rest of the message may be unknown and even broken. */
export function eventType({ headers }: ReceivedMessage): string {
  if (headers.ce_specversion !== "1.0") throw new InvalidEvent("not a CloudEvent 1.0");
  return required(headers, "ce_type");
}

/** Decode a message. Its data is not yet validated: that takes the schema of its type. */
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
