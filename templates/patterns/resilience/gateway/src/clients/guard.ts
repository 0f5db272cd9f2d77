import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  halfJitterGenerator,
  handleWhen,
  retry,
  wrap,
} from "cockatiel";
import { Abandoned, deadline, type Terms } from "./policy.ts";

// For the whole call, its retry included: it is what the fan-out waits for at most.
const DEADLINE_MS = 1_000;
// One: more of them multiply the load on a service that has too much of it already.
const RETRIES = 1;
// 20 to 40 ms: calls that failed together must not come back together.
const RETRY_DELAY = { initialDelay: 40, maxDelay: 40, generator: halfJitterGenerator };
const FAILURES_IN_A_ROW = 5;
const OPEN_MS = 1_000;
// A service that hangs holds so many calls and no more, so that others find the gateway free.
const IN_FLIGHT = 50;
const WAITING = 100;

type Call<T> = (signal: AbortSignal) => Promise<T>;
export type Outcome = "ok" | "failed" | "late" | "broken" | "full" | "abandoned";

/** What differs from one call of a service to another. */
export interface GuardTerms extends Terms {
  deadlineMs?: number;
  /** What finds out whether the service is back; else it is the call itself, which is repeatable. */
  trial?: Call<unknown>;
}

/**
 * Keeps a service in trouble from taking the gateway with it. From the outside in: a deadline, a
 * bulkhead, a retry, and a circuit breaker around each attempt.
 */
export class Guard {
  readonly outcomes: Record<Outcome, number> = {
    ok: 0,
    failed: 0,
    late: 0,
    broken: 0,
    full: 0,
    abandoned: 0,
  };
  retries = 0;

  readonly #breaker = circuitBreaker(handleWhen(isItsFault).orWhenResult(isServerError), {
    breaker: new ConsecutiveBreaker(FAILURES_IN_A_ROW),
    halfOpenAfter: OPEN_MS,
  });
  readonly #bulkhead = bulkhead(IN_FLIGHT, WAITING);
  readonly #retry = retry(handleWhen(isWorthARetry), {
    maxAttempts: RETRIES,
    backoff: new ExponentialBackoff(RETRY_DELAY),
  });
  readonly #repeatedly = wrap(this.#bulkhead, this.#retry);
  readonly #deadlineMs: number;

  constructor(deadlineMs = DEADLINE_MS) {
    this.#deadlineMs = deadlineMs;
    this.#retry.onRetry(() => this.retries++);
  }

  get breaker(): "closed" | "half-open" | "open" {
    const { state } = this.#breaker;
    if (state === CircuitState.Closed) return "closed";
    return state === CircuitState.HalfOpen ? "half-open" : "open";
  }

  get inFlight(): number {
    return IN_FLIGHT - this.#bulkhead.executionSlots;
  }

  /** Make a call, unless the service is known to be in trouble. */
  async run<T>(call: Call<T>, terms: GuardTerms = {}): Promise<T> {
    const { deadlineMs = this.#deadlineMs, repeatable = true, trial = call } = terms;
    const inTurn = repeatable ? this.#repeatedly : this.#bulkhead;
    try {
      const answer = await deadline(deadlineMs)((signal) =>
        inTurn.execute(() => this.#try(call, trial, signal)),
      );
      this.outcomes[isServerError(answer) ? "failed" : "ok"]++;
      return answer;
    } catch (error) {
      this.outcomes[outcomeOf(error)]++;
      throw error;
    }
  }

  #try<T>(call: Call<T>, trial: Call<unknown>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    if (this.breaker === "closed") return this.#breaker.execute(() => call(signal));
    this.#probe(trial);
    return Promise.reject(new BrokenCircuitError());
  }

  /**
   * Find out whether the service is back, once the breaker has been open long enough. The caller
   * does not wait for it: it would be slow for as long as the service is.
   */
  #probe(trial: Call<unknown>): void {
    // One at a time. The library would let further ones wait for the first.
    if (this.breaker === "half-open") return;
    this.#breaker.execute(() => deadline(this.#deadlineMs)(trial)).catch(() => {});
  }
}

function isItsFault(error: unknown): boolean {
  return !(error instanceof Abandoned);
}

/** An answer that is passed on as it came may still tell of a service in trouble. */
function isServerError(answer: unknown): boolean {
  return Number(Object(answer).statusCode) >= 500;
}

/** A late answer has used up the time, and an open breaker stays open for longer than a retry waits. */
function isWorthARetry(error: unknown): boolean {
  return outcomeOf(error) === "failed";
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof Abandoned) return "abandoned";
  if (error instanceof DOMException && error.name === "TimeoutError") return "late";
  if (error instanceof BrokenCircuitError) return "broken";
  if (error instanceof BulkheadRejectedError) return "full";
  return "failed";
}
