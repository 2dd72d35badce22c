// What a program calls, of which only the identity counts: the frame below it is the line to report.

import { Channel } from "../channel.ts";
import { StepIterator } from "../iterator.ts";
import { select } from "../select.ts";
import { Selector } from "../selector.ts";
import { Source } from "../source.ts";
import { sleep } from "../time/time.ts";

// oxlint-disable typescript/unbound-method
/** @internal */
export const ENTRIES: Readonly<Record<string, unknown>> = {
  receive: Source.prototype.receive,
  receiveMany: Source.prototype.receiveMany,
  "for await": StepIterator.prototype.next,
  send: Channel.prototype.send,
  select,
  sleep,
  "Selector.next": Selector.prototype.next,
};
