// The mock provider: its own process, prepared answers, one socket write per event.
import { createServer, type Socket } from "node:net";
import { events, eventsPerStream, json, paceMs } from "./payload.ts";
import { Framing } from "./wire.ts";

const common = "openai-organization: bench\r\nopenai-processing-ms: 12\r\n" +
  "openai-version: 2020-10-01\r\nx-request-id: req_0123456789abcdef0123456789abcdef\r\n" +
  "x-ratelimit-limit-requests: 10000\r\nx-ratelimit-remaining-requests: 9999\r\n" +
  "strict-transport-security: max-age=31536000; includeSubDomains; preload\r\n";
const whole = (type: string, body: string): Buffer =>
  Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n${common}content-length: ${body.length}\r\n\r\n${body}`,
  );
const chunk = (text: string): Buffer =>
  Buffer.from(`${text.length.toString(16)}\r\n${text}\r\n`, "latin1");

const jsonAnswer = whole("application/json", json);
const streamHead = Buffer.from(
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n" +
    `cache-control: no-cache\r\n${common}transfer-encoding: chunked\r\n\r\n`,
);
const chunks = events.map(chunk);
const streamEnd = Buffer.from("0\r\n\r\n");
const first = chunks[0]!;
const rest = Buffer.concat([...chunks.slice(1), streamEnd]);
let held = 0;

function burst(socket: Socket): void {
  socket.write(streamHead);
  for (const event of chunks) socket.write(event);
  socket.write(streamEnd);
}

function paced(socket: Socket): void {
  socket.write(streamHead);
  let sent = 0;
  const timer = setInterval(() => {
    if (socket.destroyed) return clearInterval(timer);
    socket.write(chunks[sent++]!);
    if (sent < eventsPerStream) return;
    clearInterval(timer);
    socket.write(streamEnd);
  }, paceMs);
}

function late(socket: Socket): void {
  socket.write(streamHead);
  socket.write(first);
  setTimeout(() => socket.write(rest), 2);
}

function hold(socket: Socket): void {
  held++;
  socket.once("close", () => held--);
  socket.write(streamHead);
  socket.write(first);
}

function answer(socket: Socket, scenario: string | undefined): void {
  if (socket.destroyed) return;
  if (scenario === "burst") burst(socket);
  else if (scenario === "paced") paced(socket);
  else if (scenario === "late") late(socket);
  else if (scenario === "hold") hold(socket);
  else if (scenario === "held") socket.write(whole("text/plain", String(held)));
  else socket.write(jsonAnswer);
}

const server = createServer({ noDelay: true }, (socket) => {
  let scenario: string | undefined;
  const framing = new Framing({
    head: (head) => scenario = /[?&/]s[=/](\w+)/.exec(head.slice(0, head.indexOf("\r\n")))?.[1],
    body() {},
    end: () => answer(socket, scenario),
  }, true);
  socket.on("data", (data) => framing.push(data));
  socket.on("error", () => socket.destroy());
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  const address = server.address();
  if (address && typeof address === "object") console.log(`http://127.0.0.1:${address.port}`);
});
