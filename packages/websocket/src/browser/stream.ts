// A connection over WebSocketStream: it is read one message at a time, so a reader that stops slows the peer down.

import { page, type Page, type PageClose, type PageReader, type PageStream, type PageWriter } from "./page.ts";
import { HIGH_WATER, type Payload, received, type Transport, type TransportEvents } from "./transport.ts";

/** @internal */
export class StreamTransport implements Transport {
  readonly kind = "stream";
  readonly #stream: PageStream;
  readonly #events: TransportEvents;
  #protocol = "";
  #reader: PageReader | undefined = undefined;
  #writer: PageWriter | undefined = undefined;
  #buffered = 0;
  #unsent = 0;
  #paused = false;
  #goOn: (() => void) | undefined = undefined;
  #closing: (() => void) | undefined = undefined;
  #awaited = false;

  constructor(url: string, protocols: readonly string[], events: TransportEvents) {
    this.#events = events;
    this.#stream = new (page.WebSocketStream as NonNullable<Page["WebSocketStream"]>)(url, {
      protocols: [...protocols],
    });
    void this.#run();
  }

  get protocol(): string {
    return this.#protocol;
  }

  get bufferedAmount(): number {
    return this.#buffered;
  }

  get unsent(): number {
    return this.#unsent;
  }

  get hasRoom(): boolean {
    return this.#buffered < HIGH_WATER && (this.#writer?.desiredSize ?? 0) > 0;
  }

  write(data: Payload): void {
    const size = data.length;
    this.#buffered += size;
    this.#unsent += 1;
    void this.#written(size, this.#writer?.write(data));
  }

  awaitRoom(): void {
    this.#awaited = true;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#goOn?.();
    this.#goOn = undefined;
  }

  close(code: number | undefined, reason: string): void {
    this.#closing = () => this.#stream.close(code === undefined ? {} : { closeCode: code, reason });
    if (this.#unsent === 0) this.#closing();
  }

  terminate(): void {
    this.#closing = undefined;
    this.resume();
    this.#stream.close();
    this.#writer?.abort().catch(ignored);
    this.#reader?.cancel().catch(ignored);
  }

  async #run(): Promise<void> {
    let clean = true;
    try {
      const { readable, writable, protocol } = await this.#stream.opened;
      this.#protocol = protocol;
      this.#reader = readable.getReader();
      this.#writer = writable.getWriter();
      this.#events.onOpen();
      await this.#read(this.#reader);
    } catch {
      clean = false; // `closed` says why
    }
    const { closeCode, reason = "" } = await this.#stream.closed.catch((error: unknown) => {
      clean = false;
      return error as PageClose;
    });
    this.#events.onEnd(closeCode ?? (clean ? 1005 : 1006), reason, clean);
  }

  async #read(reader: PageReader): Promise<void> {
    for (;;) {
      if (this.#paused) await new Promise<void>((resolve) => (this.#goOn = resolve));
      const { done, value } = await reader.read();
      if (done) return;
      this.#events.onMessage(received(value));
    }
  }

  // What fails to leave is not counted off: it has not left.
  async #written(size: number, writing: Promise<void> | undefined): Promise<void> {
    try {
      await writing;
      this.#unsent -= 1;
    } catch {
      return;
    } finally {
      this.#buffered -= size;
    }
    if (this.#unsent === 0) this.#closing?.();
    if (this.#awaited && this.hasRoom) {
      this.#awaited = false;
      this.#events.onRoom();
    }
  }
}

function ignored(): void {
  // it is over
}
