import type { Pool } from "undici";
import { Unavailable } from "../errors.ts";
import { type Policy, policyFor } from "./policy.ts";
import { connectPool } from "./pool.ts";

/** Checks the shape of an answer, as a compiled TypeBox schema does. */
export interface Shape<T> {
  Check(value: unknown): value is T;
}

/** A service did not answer in time (504), or not with anything usable (502). */
export class UpstreamFailed extends Unavailable {
  override readonly name = "UpstreamFailed";
  override readonly status: 502 | 504;

  constructor(service: string, status: 502 | 504, reason: string, options?: ErrorOptions) {
    super(`The service ${service} ${reason}`, options);
    this.status = status;
  }
}

/** A service answered 404. */
export class UpstreamNotFound extends Error {
  override readonly name = "UpstreamNotFound";
}

/** A client of one service: pooled connections, a policy for every call, validated answers. */
export class Upstream {
  readonly service: string;
  readonly #pool: Pool;
  readonly #policy: Policy;

  constructor(service: string, url: string, policy: Policy = policyFor(service)) {
    this.service = service;
    this.#policy = policy;
    this.#pool = connectPool(url);
  }

  /** GET `path` and return the answer, if it has the expected shape. */
  async get<T>(path: string, shape: Shape<T>): Promise<T> {
    const { status, body } = await this.#fetch(path);
    if (status === 404) throw new UpstreamNotFound(`${this.service} has no ${path}`);
    if (status !== 200) throw new UpstreamFailed(this.service, 502, `answered ${status}`);
    const answer = parseJson(body);
    if (!shape.Check(answer)) {
      throw new UpstreamFailed(this.service, 502, "sent an answer of an unexpected shape");
    }
    return answer;
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #fetch(path: string): Promise<{ status: number; body: string }> {
    try {
      return await this.#policy(async (signal) => {
        const response = await this.#pool.request({ method: "GET", path, signal });
        const answer = { status: response.statusCode, body: await response.body.text() };
        // Thrown here, so that the policy knows of a service in trouble.
        if (answer.status >= 500) {
          throw new UpstreamFailed(this.service, 502, `answered ${answer.status}`);
        }
        return answer;
      });
    } catch (cause) {
      throw asUpstreamFailed(this.service, cause);
    }
  }
}

/** Tell why a call to a service has failed. */
export function asUpstreamFailed(service: string, cause: unknown): UpstreamFailed {
  if (cause instanceof UpstreamFailed) return cause;
  const late = cause instanceof Error && cause.name === "TimeoutError";
  return late
    ? new UpstreamFailed(service, 504, "did not answer in time", { cause })
    : new UpstreamFailed(service, 502, "could not be reached", { cause });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
