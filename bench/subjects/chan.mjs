// Its operations are thunks; a promise around each is what a program with `await` needs.
import chan from "chan";
import { programsOf } from "../programs/index.mjs";

const promise = (thunk) =>
  new Promise((resolve, reject) => {
    thunk((error, value) => (error ? reject(error) : resolve(value)));
  });
const nothing = () => {};

/** What a select gives is the channel, which then gives the value. */
const chosen = async (channels) => promise((await promise(chan.select(...channels))).selected);

async function orTimeout(milliseconds, channel) {
  const timeout = chan();
  const timer = setTimeout(() => timeout(undefined)(nothing), milliseconds);
  try {
    return await chosen([channel, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

export const programs = programsOf({
  open: (capacity) => chan(capacity),
  send: (channel, value) => promise(channel(value)),
  receive: (channel) => promise(channel),
  value: (value) => value,
  post: (channel, value) => channel(value)(nothing),

  prepare: (channels) => channels,
  select: chosen,
  selected: (value) => value,
  selectOrTimeout: ([channel]) => orTimeout(30_000, channel),
});
