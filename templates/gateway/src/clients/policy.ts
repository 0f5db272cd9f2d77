/**
 * Guards every call to a service. The call must honour its signal, so that a call that is given up
 * does not go on in the background.
 */
export type Policy = <T>(call: (signal: AbortSignal) => Promise<T>) => Promise<T>;

const DEADLINE_MS = 1_000;

/** The policy of the calls to one service. */
export function policyFor(_service: string): Policy {
  return deadline(DEADLINE_MS);
}

/** Give a call up after `ms`: the least that any call over a network needs. */
export function deadline(ms: number): Policy {
  return (call) => call(AbortSignal.timeout(ms));
}
