import { type Broker, type Message, MessageRefused } from "./broker.ts";

/**
 * Publish messages in their order, and return why the broker refuses some for good, by their place.
 * The others are published all the same: none may wait for ever behind one that never goes through.
 */
export async function publishAll(
  broker: Pick<Broker, "publish">,
  messages: Message[],
): Promise<Map<number, string>> {
  if (!(await refusalOf(broker, messages))) return new Map();

  // One of them failed the call for all. On their own, only that one fails.
  const refusals = new Map<number, string>();
  for (const [place, message] of messages.entries()) {
    const refusal = await refusalOf(broker, [message]);
    if (refusal) refusals.set(place, refusal);
  }
  return refusals;
}

async function refusalOf(
  broker: Pick<Broker, "publish">,
  messages: Message[],
): Promise<string | undefined> {
  try {
    await broker.publish(messages);
    return undefined;
  } catch (error) {
    if (error instanceof MessageRefused) return error.message;
    throw error;
  }
}
