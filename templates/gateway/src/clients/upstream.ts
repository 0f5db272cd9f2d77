import { Pool } from "undici";
import { Unavailable } from "../errors.ts";
import { deadline, type Policy } from "./policy.ts";

const DEADLINE_MS = 1_000;
const CONNECTIONS = 50;
// Shorter than the 5 s after which uvicorn closes an idle connection: we never send on one that is
// just going away.
const KEEP_ALIVE_MS = 4_000;

/** Recognises an answer; a compiled TypeBox schema is one. */
export interface Shape<T> {
  Check(value: unknown): value is T;
}

/**
 * A service gave no answer that we can use: 504 when it was too late, 502 when there was none or a
 * wrong one.
 */
export class UpstreamFailed extends Unavailable {
  override readonly name = "UpstreamFailed";
  override readonly status: 502 | 504;

  constructor(service: string, status: 502 | 504, reason: string, options?: ErrorOptions) {
    super(`The service ${service} ${reason}`, options);
    this.status = status;
  }
}

/** A service answered, and what it said is that there is no such thing. */
export class UpstreamNotFound extends Error {
  override readonly name = "UpstreamNotFound";
}

/**
 * A service behind the gateway: a pool of connections, and answers that are checked before they are
 * believed.
 */
export class Upstream {
  readonly service: string;
  readonly #pool: Pool;
  readonly #policy: Policy;

  constructor(service: string, url: string, policy: Policy = deadline(DEADLINE_MS)) {
    this.service = service;
    this.#policy = policy;
    this.#pool = new Pool(url, {
      connections: CONNECTIONS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
    });
  }

  /** GET `path` and return the answer, which has the given shape. */
  async get<T>(path: string, shape: Shape<T>): Promise<T> {
    const { status, body } = await this.#fetch(path);
    if (status === 404) throw new UpstreamNotFound(`${this.service} has no ${path}`);
    if (status !== 200) throw new UpstreamFailed(this.service, 502, `answered ${status}`);
    const answer = parseJson(body);
    if (!shape.Check(answer)) {
      throw new UpstreamFailed(this.service, 502, "answered something that we do not understand");
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
        return { status: response.statusCode, body: await response.body.text() };
      });
    } catch (cause) {
      const late = cause instanceof Error && cause.name === "TimeoutError";
      throw late
        ? new UpstreamFailed(this.service, 504, "did not answer in time", { cause })
        : new UpstreamFailed(this.service, 502, "could not be reached", { cause });
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
