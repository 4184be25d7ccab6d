// SPDX-License-Identifier: MIT
// attackers.mjs - clients that mean harm, in a process of their own: node attackers.mjs KIND URL STREAM_URL COUNT
//
// Every 100 ms it prints what it has seen so far as one line of JSON: {opened, closed, open, text,
// statuses: {"431": n}}. It goes on until its standard input ends.
import { randomBytes } from "node:crypto";
import net from "node:net";
import { gzipSync } from "node:zlib";

const [kind, url, streamUrl, countText] = process.argv.slice(2);
const count = Number(countText);
const { hostname, port } = new URL(url);
const streamPath = new URL(streamUrl).pathname + new URL(streamUrl).search;
const seen = { opened: 0, closed: 0, statuses: {}, text: "" };
const sockets = new Set();

/** One connection. on.open(socket) once; on.data(chunk, socket), else statuses are counted; on.close(). */
function connect(on = {}) {
  const socket = net.connect({ host: hostname, port: Number(port), noDelay: true });
  sockets.add(socket);
  socket.on("connect", () => {
    seen.opened += 1;
    on.open?.(socket);
  });
  socket.on("data", (chunk) => (on.data ? on.data(chunk, socket) : note(chunk)));
  socket.on("error", () => {}); // the close that follows is counted
  socket.on("close", () => {
    sockets.delete(socket);
    seen.closed += 1;
    on.close?.();
  });
  return socket;
}

function note(chunk) {
  const text = chunk.toString("latin1");
  for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d{3})/g)) {
    seen.statuses[status] = (seen.statuses[status] ?? 0) + 1;
  }
  if (seen.text === "") {
    seen.text = text.slice(0, 500);
  }
}

/** Sends a piece again and again, as fast as the socket takes it; others have a turn in between. */
function flood(socket, piece) {
  const more = () => {
    let room = true;
    for (let i = 0; i < 50 && room && !socket.destroyed; i += 1) {
      room = socket.write(piece);
    }
    if (socket.destroyed) {
      return;
    }
    if (room) {
      setImmediate(more);
    } else {
      socket.once("drain", () => setImmediate(more));
    }
  };
  more();
}

/** Always `count` of them: whoever is closed comes again, after a moment. */
function keepComing(on) {
  const again = () => connect({ ...on, close: () => setTimeout(again, 50) });
  for (let i = 0; i < count; i += 1) {
    again();
  }
}

/** A byte every so often to each, for as long as they are there. */
function drip(head, byte) {
  keepComing({ open: (socket) => socket.write(head) });
  setInterval(() => sockets.forEach((socket) => socket.connecting || socket.write(byte)), 200);
}

const upgrade = (more = "") =>
  `GET ${streamPath} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${more}\r\n`;

/** A client's frame: masked by zeros, which RFC 6455 allows. */
function frame(first, payload) {
  const head = payload.length < 126 ? [first, 0x80 | payload.length] : [first, 0xfe, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
}

const json = "Content-Type: application/json\r\n";
const get = "GET /api/game HTTP/1.1\r\nHost: h\r\n\r\n";

const kinds = {
  slow_headers: () => drip("GET / HTTP/1.1\r\nHost: h\r\nX: ", "x"),
  slow_bodies: () => drip(`POST /api/login HTTP/1.1\r\nHost: h\r\n${json}Content-Length: 9000\r\n\r\n{`, " "),
  slow_readers: () =>
    keepComing({
      open: (socket) => {
        socket.pause();
        flood(socket, get.repeat(100));
      },
    }),
  slow_streams: () =>
    keepComing({
      open: (socket) => {
        socket.pause();
        socket.write(upgrade());
      },
    }),
  idle: () => {
    let i = 0;
    const some = () => {
      for (let n = 0; n < 250 && i < count; n += 1, i += 1) {
        connect({ open: (socket) => socket.write(get) });
      }
      if (i < count) {
        setTimeout(some, 20);
      }
    };
    some();
  },
  huge_headers: () =>
    keepComing({ open: (socket) => socket.write(`GET / HTTP/1.1\r\nHost: h\r\nX: ${"x".repeat(1 << 20)}`) }),
  pipelined: () => keepComing({ open: (socket) => flood(socket, get.repeat(100)) }),
  frames: () =>
    keepComing({
      open: (socket) => socket.write(upgrade()),
      data: (chunk, socket) => {
        if (!socket.isFlooding) {
          note(chunk);
          socket.isFlooding = true;
          flood(socket, Buffer.concat(Array(100).fill(frame(0x81, Buffer.from("ping")))));
        }
      },
    }),
  half_closed: () =>
    keepComing({
      open: (socket) => {
        socket.end("GET /api/ga");
        setTimeout(() => socket.resetAndDestroy(), 50);
      },
    }),
  body_bombs: () => {
    const bomb = gzipSync(Buffer.alloc(10 << 20, 32));
    const head = `POST /api/login HTTP/1.1\r\nHost: h\r\n${json}Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`;
    keepComing({ open: (socket) => socket.write(Buffer.concat([Buffer.from(head), bomb])) });
  },
  frame_bombs: () => {
    const bomb = frame(0xc1, gzipSync(Buffer.alloc(1 << 20, 32)));
    keepComing({
      open: (socket) => socket.write(upgrade("Sec-WebSocket-Extensions: permessage-deflate\r\n")),
      data: (chunk, socket) => {
        note(chunk);
        socket.write(bomb);
      },
    });
  },
  random: () => keepComing({ open: (socket) => socket.write(randomBytes(8192)) }),
};

kinds[kind]();
setInterval(() => process.stdout.write(`${JSON.stringify({ ...seen, open: sockets.size })}\n`), 100);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
