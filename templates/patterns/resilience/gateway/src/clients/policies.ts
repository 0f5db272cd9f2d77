import type { CheckResult } from "../health.ts";
import { Guard } from "./guard.ts";
import type { Policy } from "./policy.ts";

/** The guards of all services that this process calls, by name. */
export const guards = new Map<string, Guard>();

/** The policy of the calls to one service. All of them have to be idempotent: see Guard. */
export function policyFor(service: string): Policy {
  const guard = guards.get(service) ?? new Guard();
  guards.set(service, guard);
  return (call) => guard.run(call);
}

/** Show how the services are. Always ok: without one of them the gateway still has an answer. */
export function checkUpstreams(): CheckResult {
  const states = [...guards].map(([service, { breaker, inFlight }]) => [
    service,
    { breaker, inFlight },
  ]);
  return { status: "ok", ...Object.fromEntries(states) };
}
