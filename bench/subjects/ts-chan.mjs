// As it comes: with its own yielding to the event loop, and with one `Select` kept for the loop, as its README advises.
import { Chan, recv, Select } from "ts-chan";
import { programsOf } from "../programs/index.mjs";

async function waitAtMost(milliseconds, select) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), milliseconds);
  try {
    return await select.wait(controller.signal);
  } finally {
    clearTimeout(timer);
  }
}

export const programs = programsOf({
  open: (capacity) => new Chan(capacity),
  send: (channel, value) => channel.send(value),
  receive: (channel) => channel.recv(),
  value: (received) => received.value,
  post: (channel, value) => void channel.trySend(value),
  trySend: (channel, value) => channel.trySend(value),
  tryReceive: (channel) => channel.tryRecv(),
  close: (channel) => channel.close(),
  iterate: (channel) => channel,
  receiveUntil: (channel, signal) => channel.recv(signal),

  prepare: (channels) => new Select(channels.map((channel) => recv(channel))),
  select: (select) => select.wait(),
  selected: (index, select) => select.recv(select.cases[index]).value,
  selectOrTimeout: (select) => waitAtMost(30_000, select),
});
