// The load driver: raw sockets, closed loop, every answer checked for status and length.
import { connect, type Socket } from "node:net";
import { answerBytes, counterDigits, request, type Scenario } from "./payload.ts";
import { Framing } from "./wire.ts";

export interface Endpoint {
  host: string;
  port: number;
  path: string;
  /** Besides those that every request has. */
  headers?: Record<string, string> | ((scenario: Scenario) => Record<string, string>);
  /** No two requests have the same body. */
  varied?: boolean;
  /** Another body than the usual one; its answers are as long as its first, whatever that is. */
  body?: (scenario: Scenario) => object;
}

let counted = 0;

export interface Load {
  scenario: Scenario;
  count: number;
  connections: number;
  staggerMs?: number;
  timeoutMs?: number;
}

export interface Timing {
  total: number;
  firstByte: number;
}

export interface LoadResult {
  seconds: number;
  totals: number[];
}

/** One keep-alive connection that does one request at a time. */
export class Client {
  #socket: Socket | undefined;
  #endpoint: Endpoint;
  #bytes: Buffer;
  #expected: number | undefined;
  #digits: number | undefined;
  #fail: ((error: Error) => void) | undefined;

  constructor(endpoint: Endpoint, scenario: Scenario) {
    const { host, port, path, headers: more } = endpoint;
    const headers = typeof more === "function" ? more(scenario) : more;
    this.#endpoint = endpoint;
    this.#bytes = request(`${host}:${port}`, path, scenario, headers, endpoint.body?.(scenario));
    this.#expected = endpoint.body === undefined ? answerBytes[scenario] : undefined;
  }

  /** Resolves at the end of the answer, or at its first body byte when `open`. */
  send(done: (timing: Timing) => void, fail: (error: Error) => void, open = false): void {
    this.#fail = fail;
    const socket = this.#socket ?? this.#connect();
    this.#run = (timing) => {
      this.#fail = undefined;
      done(timing);
    };
    if (this.#endpoint.varied) this.#vary();
    this.#open = open;
    this.#received = 0;
    this.#firstByte = 0;
    this.#started = performance.now();
    socket.write(this.#bytes);
  }

  #vary(): void {
    this.#digits ??= this.#bytes.indexOf(counterDigits);
    this.#bytes.write(String(counted++).padStart(counterDigits.length, "0"), this.#digits);
  }

  close(): void {
    this.#fail = undefined;
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #run: (timing: Timing) => void = () => {};
  #open = false;
  #received = 0;
  #firstByte = 0;
  #started = 0;
  #head = "";

  #connect(): Socket {
    const { host, port } = this.#endpoint;
    const socket = connect({ host, port, noDelay: true });
    const framing = new Framing({
      head: (head) => this.#head = head,
      body: (bytes) => {
        if (this.#received === 0) this.#firstByte = performance.now();
        this.#received += bytes;
        if (this.#open && this.#ok()) this.#run(this.#timing());
      },
      end: () => this.#end(),
    }, false);
    socket.on("data", (data) => {
      try {
        framing.push(data);
      } catch (error) {
        this.#broke(error as Error);
      }
    });
    socket.on("error", (error) => this.#broke(error));
    socket.on("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      framing.close();
      this.#broke(new Error("The connection closed before the answer was whole"));
    });
    return this.#socket = socket;
  }

  #ok(): boolean {
    return this.#head.startsWith("HTTP/1.1 200");
  }

  #timing(): Timing {
    return {
      total: performance.now() - this.#started,
      firstByte: this.#firstByte - this.#started,
    };
  }

  #end(): void {
    if (!this.#ok()) this.#broke(new Error(`The answer was "${this.#head.split("\r\n")[0]}"`));
    else if (this.#received !== (this.#expected ??= Math.max(this.#received, 500))) {
      this.#broke(new Error(`The answer has ${this.#received} bytes, not ${this.#expected}`));
    } else {
      if (/\r\nconnection: *close/i.test(this.#head)) {
        this.#socket?.destroy();
        this.#socket = undefined;
      }
      this.#run(this.#timing());
    }
  }

  #broke(error: Error): void {
    const fail = this.#fail;
    this.close();
    fail?.(error);
  }
}

/** Runs `count` requests over `connections` connections, each sending when its last answer ended. */
export function closedLoop(endpoint: Endpoint, load: Load): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const totals: number[] = [];
    const clients: Client[] = [];
    const started = performance.now();
    let sent = 0;
    const finish = (error?: Error): void => {
      clearTimeout(timer);
      for (const client of clients) client.close();
      if (error) reject(error);
      else resolve({ seconds: (performance.now() - started) / 1000, totals });
    };
    const timer = setTimeout(
      () => finish(new Error(`${load.scenario}: only ${totals.length} of ${load.count} came back`)),
      load.timeoutMs ?? 60_000,
    );
    const next = (client: Client): void => {
      if (sent === load.count) return;
      sent++;
      client.send((timing) => {
        totals.push(timing.total);
        if (totals.length === load.count) finish();
        else next(client);
      }, finish);
    };
    for (let i = 0; i < Math.min(load.connections, load.count); i++) {
      const client = new Client(endpoint, load.scenario);
      clients.push(client);
      if (load.staggerMs) setTimeout(next, i * load.staggerMs / load.connections, client);
      else next(client);
    }
  });
}

/**
 * One request at a time, each endpoint in turn, so drift of the machine meets all alike.
 * An endpoint that fails has its error in place of its timings; the others go on.
 */
export async function takeTurns(
  endpoints: Endpoint[],
  scenario: Scenario,
  turns: number,
): Promise<(Timing[] | Error)[]> {
  const clients = endpoints.map((endpoint) => new Client(endpoint, scenario));
  const found: (Timing[] | Error)[] = endpoints.map(() => []);
  for (let turn = -10; turn < turns; turn++) {
    for (const [i, client] of clients.entries()) {
      const timings = found[i]!;
      if (timings instanceof Error) continue;
      try {
        const timing = await once(client, 10_000);
        if (turn >= 0) timings.push(timing);
      } catch (error) {
        found[i] = error as Error;
      }
    }
  }
  for (const client of clients) client.close();
  return found;
}

function once(client: Client, timeoutMs: number): Promise<Timing> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      client.close();
      reject(new Error(`No answer within ${timeoutMs} ms`));
    }, timeoutMs);
    client.send((timing) => {
      clearTimeout(timer);
      resolve(timing);
    }, (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

/** Opens streams that stay open; resolves with how many gave their first event in time. */
export async function openStreams(
  endpoint: Endpoint,
  count: number,
  timeoutMs: number,
): Promise<{ opened: number; close: () => void }> {
  const clients: Client[] = [];
  let opened = 0;
  const deadline = performance.now() + timeoutMs;
  for (let i = 0; i < count; i++) {
    const client = new Client(endpoint, "hold");
    clients.push(client);
    client.send(() => opened++, () => {}, true);
    // Small steps keep the listen backlog out of the measurement.
    if (i % 20 === 19) await sleep(5);
  }
  while (opened < count && performance.now() < deadline) await sleep(20);
  return {
    opened,
    close: () => {
      for (const client of clients) client.close();
    },
  };
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
