/**
 * Guards every call to a service. The call must honour its signal, so that a call that is given up
 * does not go on in the background.
 */
export type Policy = <T>(call: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/** Give a call up after `ms`: the least that any call over a network needs. */
export function deadline(ms: number): Policy {
  return async (call) => {
    // Lighter than AbortSignal.timeout, whose timer goes on when the call is over.
    const abort = new AbortController();
    const late = () => abort.abort(new DOMException(`no answer in ${ms} ms`, "TimeoutError"));
    const timer = setTimeout(late, ms);
    try {
      return await call(abort.signal);
    } finally {
      clearTimeout(timer);
    }
  };
}
