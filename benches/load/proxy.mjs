// The limit of what Node can do in front of a service: pass one call on with undici, look at nothing.
import { createServer } from "node:http";
import { Pool } from "undici";

const pool = new Pool(process.env.ORDERS_URL, { connections: 50 });
createServer(async (_request, response) => {
  const { statusCode, headers, body } = await pool.request({ method: "GET", path: "/orders?userId=u1&limit=10" });
  response.writeHead(statusCode, headers);
  body.pipe(response);
}).listen(Number(process.env.PORT), "127.0.0.1");
