// SPDX-License-Identifier: MIT
// client.mjs - a stream's client, and bytes straight onto a socket. HTTP calls are in player.mjs.
import net from "node:net";
import tls from "node:tls";

import WebSocket from "ws";

import { waitFor } from "./player.mjs";

/**
 * Opens a stream and resolves once it is open; rejects with the answer's status otherwise.
 * url: the websocket_url of a login. options.since, options.origin, options.headers; options.tls: what
 * tls.connect() needs, behind a proxy.
 */
export function openStream(url, { since, origin, headers = {}, tls = {} } = {}) {
  const target = since === undefined ? url : `${url}&since=${since}`;
  const socket = new WebSocket(target, { origin, headers, perMessageDeflate: false, ...tls });
  const stream = new Stream(socket);
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve(stream));
    socket.on("error", reject);
    socket.on("unexpected-response", (_request, response) => {
      response.resume();
      reject(Object.assign(new Error(`status ${response.statusCode}`), { status: response.statusCode }));
    });
  });
}

export class Stream {
  constructor(socket) {
    this.socket = socket;
    this.frames = []; // each as parsed JSON, in order
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        this.end = { code, reason: reason.toString() };
        resolve(this.end);
      });
    });
    socket.on("message", (data) => this.frames.push(JSON.parse(data.toString())));
    socket.on("error", () => {}); // the close that follows says enough
  }

  /** All events of all frames so far, in order. */
  events() {
    return this.frames.flat();
  }

  /** Resolves with the first event that suits. */
  waitForEvent(suits, ms = 10000) {
    return waitFor("an event on the stream", () => this.events().find(suits), ms);
  }

  waitForFrames(count, ms = 10000) {
    return waitFor(`${count} frames on the stream`, () => this.frames.length >= count, ms);
  }

  close() {
    this.socket.terminate();
  }
}

/** Sends bytes to a server as they are; resolves with all it answers until it closes. */
export function rawExchange(url, bytes, { timeoutMs = 20000, tls: more = {} } = {}) {
  const { hostname, port, protocol } = new URL(url);
  return new Promise((resolve, reject) => {
    const chunks = [];
    const kind = protocol === "https:" ? tls : net;
    const options = { port: Number(port), host: hostname, servername: hostname, ...more };
    const socket = kind.connect(options, () => socket.write(bytes));
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`not closed in ${timeoutMs} ms`)));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
  });
}
