import type { Pool } from "undici";
import type { CheckResult } from "../health.ts";
import { Guard } from "./guard.ts";
import type { Policy } from "./policy.ts";

// How long a service that calls go through to may take until its answer begins.
const PROXY_DEADLINE_MS = 10_000;

/** The guards of all services that this process calls, by name. */
export const guards = new Map<string, Guard>();

/** The policy of the gateway's own calls to one service. All of them have to be repeatable. */
export function policyFor(service: string): Policy {
  const guard = guardOf(service);
  return (call, terms) => guard.run(call, terms);
}

/** The policy of the calls that go through to one service. */
export function proxyPolicyFor(service: string, pool: Pool): Policy {
  const guard = guardOf(service);
  // No call of a client: it may change something, and its body could be sent only once.
  const trial = async (signal: AbortSignal) => {
    const answer = await pool.request({ method: "GET", path: "/health/live", signal });
    await answer.body.dump();
    return answer;
  };
  return (call, terms) => guard.run(call, { deadlineMs: PROXY_DEADLINE_MS, trial, ...terms });
}

/** Forget what was learnt about a service that is gone. */
export function forgetService(service: string): void {
  guards.delete(service);
}

/** Show how the services are. Always ok: without one of them the gateway still has an answer. */
export function checkUpstreams(): CheckResult {
  const states = [...guards].map(([service, { breaker, inFlight }]) => [
    service,
    { breaker, inFlight },
  ]);
  return { status: "ok", ...Object.fromEntries(states) };
}

function guardOf(service: string): Guard {
  const guard = guards.get(service) ?? new Guard();
  guards.set(service, guard);
  return guard;
}
