// Every write of @thi.ng/csp waits for its read, buffered or not; its smallest buffer is 1.
import { channel, mult, select, timeout } from "@thi.ng/csp";
import { programsOf } from "../programs/index.mjs";

export const programs = programsOf({
  open: (capacity) => channel(Math.max(1, capacity)),
  send: (to, value) => to.write(value),
  receive: (from) => from.read(),
  value: (value) => value,
  post: (to, value) => void to.offer(value),
  trySend: (to, value) => to.offer(value),
  tryReceive: (from) => from.poll(),
  close: (it) => it.close(),
  iterate: (it) => it,

  publisher: () => mult(),
  publish: (to, value) => to.write(value),
  subscribe: (to, capacity) => to.subscribe(channel(capacity)),

  prepare: (channels) => channels,
  select: (channels) => select(...channels),
  selected: ([value]) => value,
  selectOrTimeout: ([busy]) => select(busy, timeout(30_000)),
});
