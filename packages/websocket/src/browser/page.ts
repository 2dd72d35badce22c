// What a page or a worker offers, as far as it is used here: no type of the DOM gets into the declarations, so that they
// also compile where there is none.

/** @internal */
export interface PageSocket extends PageTarget {
  binaryType: string;
  readonly protocol: string;
  readonly bufferedAmount: number;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

/** @internal */
export interface PageStream {
  readonly opened: Promise<{
    readonly readable: { getReader(): PageReader };
    readonly writable: { getWriter(): PageWriter };
    readonly protocol: string;
  }>;
  readonly closed: Promise<PageClose>;
  close(how?: { readonly closeCode?: number; readonly reason?: string }): void;
}

/** @internal How a stream was closed; an error that has the same fields when it was not clean. */
export interface PageClose {
  readonly closeCode?: number | null;
  readonly reason?: string;
}

/** @internal */
export interface PageReader {
  read(): Promise<{ readonly done: boolean; readonly value?: string | ArrayBuffer | Uint8Array<ArrayBuffer> }>;
  cancel(): Promise<void>;
}

/** @internal */
export interface PageWriter {
  readonly ready: Promise<void>;
  readonly desiredSize: number | null;
  write(data: string | Uint8Array<ArrayBuffer>): Promise<void>;
  abort(): Promise<void>;
}

/** @internal */
export interface PageTarget {
  addEventListener(type: string, listener: (event: PageEvent) => void, options?: PageListening): void;
  removeEventListener(type: string, listener: (event: PageEvent) => void): void;
}

/** @internal How long a listener listens. */
export interface PageListening {
  readonly once?: boolean;
  readonly signal?: AbortSignal;
}

/** @internal The fields of the events that are listened for. */
export interface PageEvent {
  readonly data?: unknown;
  readonly code?: number;
  readonly reason?: string;
  readonly wasClean?: boolean;
  readonly persisted?: boolean;
}

/** @internal */
export interface Page extends Partial<PageTarget> {
  readonly WebSocket?: new (url: string, protocols: string[]) => PageSocket;
  readonly WebSocketStream?: new (url: string, options: { readonly protocols: string[] }) => PageStream;
  readonly document?: PageTarget & { readonly visibilityState: string };
  readonly location?: { readonly href: string };
}

/** @internal Looked up at each use: tests replace what is on it. */
export const page: Page = globalThis;
