// A round-robin HTTP proxy: each request goes to the next server in turn, and nothing is sticky.

import http from "node:http";
import net from "node:net";

/** Listens on a free port for the servers `doors` (URLs); counts Engine.IO's answered polls by server, and WebSockets. */
export async function balance(doors) {
  const targets = doors.map((door) => new URL(door));
  const polls = targets.map(() => 0);
  const balancer = { polls, upgrades: 0 };
  let turn = 0;
  /** Calls `to` with one target after another until one accepts the connection. */
  const inTurn = (to, nobody) => {
    const first = turn++;
    const next = (tried) => {
      if (tried === targets.length) return nobody();
      const chosen = (first + tried) % targets.length;
      to(targets[chosen], chosen, () => next(tried + 1));
    };
    next(0);
  };

  const server = http.createServer((request, response) => {
    const body = [];
    request.on("data", (part) => body.push(part));
    request.on("end", () =>
      inTurn(
        (target, chosen, otherwise) => {
          const { hostname: host, port } = target;
          const { method, url: path, headers } = request;
          const asked = http.request({ host, port, method, path, headers, agent: false });
          asked.on("response", (answer) => {
            if (path.startsWith("/socket.io/")) polls[chosen] += 1;
            response.writeHead(answer.statusCode, answer.headers);
            answer.pipe(response);
            answer.on("error", () => response.destroy());
          });
          asked.on("error", (error) => {
            // A request that a server has received may have been executed: only one that it refused is tried elsewhere.
            if (error.code === "ECONNREFUSED") otherwise();
            else if (response.headersSent) response.destroy();
            else response.writeHead(502).end();
          });
          response.on("close", () => asked.destroy());
          asked.end(Buffer.concat(body));
        },
        () => response.writeHead(502).end(),
      ),
    );
  });

  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    inTurn(
      (target, _, otherwise) => {
        const line = net.connect(target.port, target.hostname);
        let open = false;
        line.on("connect", () => {
          open = true;
          balancer.upgrades += 1;
          const headers = request.rawHeaders.map((word, at) => word + (at % 2 ? "\r\n" : ": ")).join("");
          line.write(`${request.method} ${request.url} HTTP/1.1\r\n${headers}\r\n`);
          line.write(head);
          line.pipe(socket).pipe(line);
        });
        line.on("error", () => (open ? socket.destroy() : otherwise()));
        line.on("close", () => open && socket.destroy());
        socket.on("close", () => line.destroy());
      },
      () => socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n"),
    );
  });

  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  balancer.door = `http://127.0.0.1:${server.address().port}`;
  return balancer;
}
