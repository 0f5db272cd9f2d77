/**
 * Guards every call to a service. The call must honour its signal, so that a call that is given up
 * does not go on in the background.
 */
export type Policy = <T>(call: (signal: AbortSignal) => Promise<T>, terms?: Terms) => Promise<T>;

/** What a call may be asked to bear. */
export interface Terms {
  /** Made twice it does the same as made once; so it is, unless something else is said. */
  repeatable?: boolean;
}

/** Whoever asked has gone, so the call was given up: no fault of the service. */
export class Abandoned extends Error {
  override readonly name = "Abandoned";
}

/**
 * Give a call up after `ms`: the least that any call over a network needs. A body that the call
 * leaves to be read afterwards takes the time that it takes.
 */
export function deadline(ms: number): Policy {
  return async (call) => {
    // Lighter than AbortSignal.timeout, whose timer goes on when the call is over.
    const late = new AbortController();
    const giveUp = () => late.abort(new DOMException(`no answer in ${ms} ms`, "TimeoutError"));
    const timer = setTimeout(giveUp, ms);
    try {
      return await call(late.signal);
    } finally {
      clearTimeout(timer);
    }
  };
}
