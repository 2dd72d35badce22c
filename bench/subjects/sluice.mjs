import { ours } from "../ours.mjs";
import { programsOf } from "../programs/index.mjs";

const { Channel, select, Selector, time } = await ours("channels");
const { virtualTime } = await ours("channels/testing");
const { Broadcast, Latest } = await ours("channels/broadcast");
const { batch, map, merge } = await ours("channels/flow");
const { group } = await ours("channels/group");

export const programs = programsOf({
  open: (capacity) => new Channel(capacity),
  send: (channel, value) => channel.send(value),
  receive: (channel) => channel.receive(),
  value: (received) => received.value,
  post: (channel, value) => void channel.trySend(value),
  trySend: (channel, value) => channel.trySend(value),
  tryReceive: (channel) => channel.tryReceive(),
  close: (channel) => channel.close(),
  iterate: (channel) => channel,
  receiveMany: (channel, limit) => channel.receiveMany(limit),
  receiveUntil: (channel, signal) => channel.receive({ signal }),

  prepare: (channels) => channels,
  select: (channels) => select(channels),
  selected: (result) => result.value,
  selectOrTimeout: ([channel]) => select([channel, time.after("30s")]),
  selector: (channels) => new Selector(Object.fromEntries(channels.map((channel, i) => [`channel ${i}`, channel]))),
  next: (selector) => selector.next(),
  event: (event) => event.value,

  publisher: () => new Broadcast(),
  publish: (to, value) => to.send(value),
  subscribe: (to, capacity) => to.subscribe({ capacity }),
  latest: () => new Latest(0),
  set: (latest, value) => {
    latest.value = value;
  },
  changes: (latest) => latest.changes({ current: false }),

  map: (channel, apply, concurrency) => map(channel, apply, { concurrency }),
  merge: (channels) => merge(channels),
  // The last may be smaller.
  batch: (channel, size) => batch(channel, { size, within: 0 }),
  together: (bodies) => group((tasks) => Promise.all(bodies.map((body) => tasks.go(body)))),

  virtualTime: (body) => virtualTime(body),
  sleep: (duration) => time.sleep(duration),
  tickAndEnd: () => ({ tick: time.ticker("30s").channel(), end: time.after("24h") }),
});
