// HTTP/1.1 framing for both ends of the bench: a full client or server would cost more than what it measures.

export interface FramingEvents {
  head(head: string): void;
  body(bytes: number): void;
  end(): void;
}

const Head = 0, Fixed = 1, Size = 2, Chunk = 3, ChunkEnd = 4, Trailer = 5, UntilClose = 6;
const headEnd: Buffer = Buffer.from("\r\n\r\n");

/** Splits one connection's bytes into messages; body bytes are counted, never kept. */
export class Framing {
  #state: number = Head;
  #left = 0;
  #line = "";
  #rest: Buffer | undefined;
  #events: FramingEvents;
  #server: boolean;

  constructor(events: FramingEvents, server: boolean) {
    this.#events = events;
    this.#server = server;
  }

  push(data: Buffer): void {
    if (this.#rest) {
      data = Buffer.concat([this.#rest, data]);
      this.#rest = undefined;
    }
    let at = 0;
    while (at < data.length) {
      if (this.#state === Head) {
        const end = data.indexOf(headEnd, at);
        if (end < 0) {
          this.#rest = data.subarray(at);
          return;
        }
        const head = data.toString("latin1", at, end);
        at = end + 4;
        this.#begin(head);
      } else at = this.#body(data, at);
    }
  }

  /** The peer closed: only a body without any framing is complete now. */
  close(): void {
    if (this.#state === UntilClose) this.#done();
  }

  #begin(head: string): void {
    this.#events.head(head);
    const length = /\r\ncontent-length:[ \t]*(\d+)/i.exec(head);
    if (length) {
      this.#left = Number(length[1]);
      this.#state = Fixed;
      if (this.#left === 0) this.#done();
    } else if (/\r\ntransfer-encoding:[^\r]*chunked/i.test(head)) this.#state = Size;
    else if (this.#server || /^HTTP\/1\.\d (1\d\d|204|304)/.test(head)) this.#done();
    else this.#state = UntilClose;
  }

  #body(data: Buffer, at: number): number {
    switch (this.#state) {
      case Fixed:
      case Chunk: {
        const take = Math.min(this.#left, data.length - at);
        this.#left -= take;
        this.#events.body(take);
        if (this.#left === 0) {
          if (this.#state === Fixed) this.#done();
          else {
            this.#state = ChunkEnd;
            this.#left = 2;
          }
        }
        return at + take;
      }
      case ChunkEnd: {
        const take = Math.min(this.#left, data.length - at);
        this.#left -= take;
        if (this.#left === 0) this.#state = Size;
        return at + take;
      }
      case UntilClose:
        this.#events.body(data.length - at);
        return data.length;
      default:
        return this.#textLine(data, at);
    }
  }

  #textLine(data: Buffer, at: number): number {
    const end = data.indexOf(10, at);
    if (end < 0) {
      this.#line += data.toString("latin1", at, data.length);
      return data.length;
    }
    const line = (this.#line + data.toString("latin1", at, end)).trimEnd();
    this.#line = "";
    if (this.#state === Size) {
      this.#left = parseInt(line, 16);
      if (Number.isNaN(this.#left)) throw new Error(`Bad chunk size "${line}"`);
      this.#state = this.#left === 0 ? Trailer : Chunk;
    } else if (line === "") this.#done();
    return end + 1;
  }

  #done(): void {
    this.#state = Head;
    this.#events.end();
  }
}
