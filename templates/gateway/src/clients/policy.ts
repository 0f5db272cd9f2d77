/**
 * How every call to a service is guarded. `call` gets the signal that ends it, so that a call which
 * is given up does not go on in the background.
 */
export type Policy = <T>(call: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/** The least that a call over a network needs: a moment at which we stop waiting. */
export function deadline(ms: number): Policy {
  return (call) => call(AbortSignal.timeout(ms));
}
