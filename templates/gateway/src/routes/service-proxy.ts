import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import type { Dispatcher, Pool } from "undici";
import { connectPool } from "../clients/pool.ts";
import type { ProxiedService } from "../clients/proxied-services.ts";
import { asUpstreamFailed } from "../clients/upstream.ts";
import { Problem } from "../problem.ts";

// How long a service may take until its answer begins, and may pause while it sends it.
const DEADLINE_MS = 10_000;
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

// They belong to one connection, and there are two: to the client and to the service.
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

type Method = (typeof METHODS)[number];
type Headers = IncomingHttpHeaders;

export interface ServiceProxyOptions {
  services: ProxiedService[];
  deadlineMs?: number;
}

/** /api/{service}/*: pass calls on to a service, and its answers back, whatever they are. */
export const serviceProxy: FastifyPluginAsync<ServiceProxyOptions> = async (
  app,
  { services, deadlineMs = DEADLINE_MS },
) => {
  // Bodies are neither read nor checked here: they stream through.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, body, done) => done(null, body));

  for (const service of services) {
    const pool = connectPool(service.url);
    app.addHook("onClose", () => pool.close());
    const schema = { tags: [service.name], summary: `Goes to the service ${service.name}` };

    for (const [url, hide] of [
      [`${service.route}/*`, false],
      [service.route, true],
    ] as const) {
      app.route({
        // A call that the gateway answers itself stays as it is.
        method: METHODS.filter((method) => !app.hasRoute({ method, url })),
        url,
        schema: { ...schema, hide },
        handler: (request, reply) => passOn(request, reply, { service, pool, deadlineMs }),
      });
    }
  }
};

interface Target {
  service: ProxiedService;
  pool: Pool;
  deadlineMs: number;
}

async function passOn(request: FastifyRequest, reply: FastifyReply, target: Target) {
  const { route } = target.service;
  // As it came, not as the router decoded it: the service has a router of its own.
  const url = request.raw.url ?? "";
  if (!url.startsWith(route)) throw new Problem(404, `There is no ${url}`);
  const rest = url.slice(route.length);

  const answer = await send(request, reply, rest.startsWith("/") ? rest : `/${rest}`, target);
  const { location, ...headers } = endToEnd(answer.headers);
  reply.code(answer.statusCode).headers(headers);
  // The service does not know under which path it can be reached from the outside.
  if (location) reply.header("location", location.replace(/^\/(?!\/)/, `${route}/`));
  return reply.send(answer.body);
}

/** Send the request to the service, and wait until its answer begins. */
async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
  { service, pool, deadlineMs }: Target,
): Promise<Dispatcher.ResponseData> {
  const abort = new AbortController();
  const late = () => abort.abort(new DOMException("no answer", "TimeoutError"));
  const timer = setTimeout(late, deadlineMs);
  // A client that has gone waits for nothing.
  reply.raw.once("close", () => abort.abort());
  try {
    return await pool.request({
      method: request.method as Method,
      path,
      headers: requestHeaders(request, service),
      body: (request.body as Readable | undefined) ?? null,
      bodyTimeout: deadlineMs,
      signal: abort.signal,
    });
  } catch (cause) {
    throw asUpstreamFailed(service.name, cause);
  } finally {
    clearTimeout(timer);
  }
}

function requestHeaders(request: FastifyRequest, service: ProxiedService): Headers {
  const { host, expect, "content-length": length, ...headers } = endToEnd(request.headers);
  const forwardedFor = headers["x-forwarded-for"];
  return {
    ...headers,
    ...(request.body ? length && { "content-length": length } : {}),
    "x-forwarded-for": forwardedFor ? `${forwardedFor}, ${request.ip}` : request.ip,
    "x-forwarded-host": request.host,
    "x-forwarded-proto": request.protocol,
    "x-forwarded-prefix": service.route,
    "x-request-id": request.id,
  };
}

/** The headers without those that end with a connection. */
function endToEnd(headers: Headers): Headers {
  const named = String(headers.connection ?? "")
    .toLowerCase()
    .split(/\s*,\s*/);
  const dropped = new Set([...HOP_BY_HOP, ...named]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name)));
}
