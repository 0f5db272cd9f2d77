import { Pool } from "undici";
import { Unavailable } from "../errors.ts";
import { deadline, type Policy } from "./policy.ts";

const DEADLINE_MS = 1_000;
const CONNECTIONS = 50;
// Shorter than uvicorn's 5 s, so that no request is sent on a connection that is just being closed.
const KEEP_ALIVE_MS = 4_000;

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

  constructor(service: string, url: string, policy: Policy = deadline(DEADLINE_MS)) {
    this.service = service;
    this.#policy = policy;
    this.#pool = new Pool(url, {
      connections: CONNECTIONS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
    });
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
