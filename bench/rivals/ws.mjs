// SPDX-License-Identifier: MIT
// ws.mjs - the stream as one writes it first in Node: the ws package, the same frame to every client.
//
//   node ws.mjs BYTES     says on standard error where it listens
//
// An upgrade joins and gets an empty first frame; any POST makes one text frame of BYTES go to everyone.
import { createServer } from "node:http";

import { WebSocketServer } from "ws";

const frame = Buffer.alloc(Number(process.argv[2]), "x");
const server = createServer((request, response) => {
  for (const client of streams.clients) {
    client.send(frame, { binary: false });
  }
  response.end("{}");
});
const streams = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: true });
streams.on("connection", (client) => {
  client.on("error", () => client.terminate());
  client.send("[]");
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  process.stderr.write(`ws: listening on http://127.0.0.1:${server.address().port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
