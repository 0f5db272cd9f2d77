import { readFile } from "node:fs/promises";
import { setInterval } from "node:timers/promises";
import type { Pool } from "undici";
import type { Logger } from "../logger.ts";
import { forgetService, proxyPolicyFor } from "./policies.ts";
import type { Policy } from "./policy.ts";
import { connectPool } from "./pool.ts";

// By looking, not by listening: events of a file do not get into a container from every host.
const LOOK_MS = 500;
const LINE = /^\/api\/(?<name>[a-z][a-z0-9-]*)\s+(?<url>https?:\/\/[\w.-]+(:\d+)?)$/;

/** A service that is open to the outside: what comes in under /api/{name} goes to `url`. */
export interface ProxiedService {
  name: string;
  url: string;
  pool: Pool;
  policy: Policy;
}

/** The services that a file names; a change of it holds within a second, without a restart. */
export class ProxiedServices {
  readonly #path: string;
  readonly #log: Logger;
  readonly #services = new Map<string, ProxiedService>();
  readonly #closing = new AbortController();
  #text = "";

  private constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  /** Read the file, and follow it from then on; throws if it is wrong already. */
  static async open(path: string, log: Logger, lookMs = LOOK_MS): Promise<ProxiedServices> {
    const services = new ProxiedServices(path, log);
    services.#text = await readFile(path, "utf8");
    services.#change(parseServices(services.#text));
    void services.#follow(lookMs);
    return services;
  }

  get(name: string): ProxiedService | undefined {
    return this.#services.get(name);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#services.values()].map((service) => this.#drop(service)));
  }

  async #follow(lookMs: number): Promise<void> {
    const { signal } = this.#closing;
    try {
      for await (const _ of setInterval(lookMs, undefined, { signal, ref: false })) {
        await this.#look();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #look(): Promise<void> {
    const text = await readFile(this.#path, "utf8").catch(() => "");
    // What is wrong is told once, not at every look.
    if (text === this.#text) return;
    this.#text = text;
    try {
      this.#change(parseServices(text));
    } catch (err) {
      this.#log.error({ err, file: this.#path }, "the routes to services stay as they were");
    }
  }

  #change(urls: Map<string, string>): void {
    for (const service of this.#services.values()) {
      if (urls.get(service.name) !== service.url) void this.#drop(service);
    }
    for (const [name, url] of urls) {
      if (this.#services.has(name)) continue;
      const pool = connectPool(url);
      this.#services.set(name, { name, url, pool, policy: proxyPolicyFor(name, pool) });
    }
    this.#log.info({ services: [...urls.keys()] }, "services that are open to the outside");
  }

  /** Take no more calls for a service; those that are under way come to their end. */
  #drop({ name, pool }: ProxiedService): Promise<void> {
    this.#services.delete(name);
    forgetService(name);
    return pool.close();
  }
}

/** Read lines such as `/api/notes http://notes:8000`; the error says which one is wrong. */
export function parseServices(text: string): Map<string, string> {
  if (!text.endsWith("\n")) throw new Error("The file is missing, or written by half");

  const services = new Map<string, string>();
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const { name, url } = LINE.exec(line.trim())?.groups ?? {};
    if (!name || !url) throw new Error(`Line ${index + 1} is not "/api/<name> <url>": ${line}`);
    if (services.has(name)) throw new Error(`Line ${index + 1} is the second one for ${name}`);
    services.set(name, url);
  }
  return services;
}
