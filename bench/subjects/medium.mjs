import medium from "medium";
import { programsOf } from "../programs/index.mjs";

const { any, chan, put, sleep, take } = medium;

export const programs = programsOf({
  open: (capacity) => (capacity === 0 ? chan() : chan(capacity)),
  send: put,
  receive: take,
  value: (value) => value,
  post: (channel, value) => void put(channel, value),

  prepare: (channels) => channels,
  select: (channels) => any(...channels),
  selected: ([value]) => value,
  selectOrTimeout: ([channel]) => any(channel, sleep(30_000)),
});
