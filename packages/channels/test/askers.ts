// Every way of waiting for a channel's next value: whatever works on demand must see each of them.

import { type ReceiveChannel, select, Selector, type SignalOptions } from "@sluice/channels";

/** The value, or the end. */
export type Got<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly cause: unknown };

export type Ask = <T>(channel: ReceiveChannel<T>, options?: SignalOptions) => Promise<Got<T>>;

function got<T>(channel: ReceiveChannel<T>, r: { readonly ok: boolean; readonly value: unknown } | undefined): Got<T> {
  return r?.ok === true ? { ok: true, value: r.value as T } : { ok: false, cause: channel.cause };
}

/** Each can be aborted; a value that came is not lost. */
export const askers: [string, Ask][] = [
  ["receive", async (channel, options) => got(channel, await channel.receive(options))],
  [
    "receiveMany",
    async (channel, options) => {
      const values = await channel.receiveMany(1, options);
      return got(channel, { ok: values.length > 0, value: values[0] });
    },
  ],
  ["select", async (channel, options) => got(channel, await select([channel], options))],
  [
    "select of its case",
    async (channel, options) => got(channel, await select({ it: channel.caseReceive() }, options)),
  ],
  [
    "Selector.next",
    async (channel, options) => {
      using events = new Selector({ it: channel });
      return got(channel, await events.next(options));
    },
  ],
];

/** All values of a channel, to its end; a cause is thrown. */
export async function all<T>(channel: ReceiveChannel<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of channel) values.push(value);
  return values;
}
