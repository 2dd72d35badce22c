// Everything that is measured, in the words of the table. A row names its program (programs/, or the subject's own),
// the program's size, and how it is measured (kinds.mjs).

const floor = { name: "await", program: "await", what: "the floor: `await` of a promise resolved long ago" };

/** Rows that differ in size only. */
const sized = (program, sizes, what) =>
  sizes.map((size) => ({ name: `${program}-${size}`, program, size, what: what(size.toLocaleString("en")) }));

/** More deliveries than there is room for at once, many times: else all would be there at the beginning. */
const manyRounds = (row) => ({ ...row, least: 256 * row.size });

const named = (name, what, more) => ({ name, program: name, what, ...more });

const definitions = {
  channels: {
    title: "Messages from task to task",
    source: "programs/flow.mjs",
    kind: "time",
    rows: [
      floor,
      named("rendezvous", "one task sends, one receives, no buffer; per message"),
      named("ping-pong", "there and back over two channels without buffer; per round trip"),
      named("buffered", "buffer of 128, half full, every send and receive awaited; per message", { size: 128 }),
      named("buffered-try", "buffer of 128, `trySend` and `tryReceive`, await on a miss; per message", { size: 128 }),
      named("for-await", "buffer of 128, half full, every send awaited, received by `for await`; per message", {
        size: 128,
      }),
      named("receive-many", "buffer of 128, filled by `trySend`, received in batches of up to 128; per message", {
        size: 128,
      }),
      named("fan-in", "1,000 tasks send to one channel without buffer; per message", {
        size: 1_000,
        least: 20_000, // starting the tasks costs as well
      }),
      named("ring", "10,000 tasks in a ring pass one message on; per hop", { size: 10_000 }),
      named("abortable", "rendezvous, each receive with the same AbortSignal; per message"),
    ],
  },
  select: {
    title: "Select",
    source: "programs/select.mjs",
    kind: "time",
    rows: [
      floor,
      ...sized(
        "select",
        [2, 64, 512],
        (k) => `one task selects over ${k} channels, one sends to them in turn; per event`,
      ),
      named("select-ready", "select over 2 channels of which one has a value; per value put there and selected"),
      named("select-timeout", "select over a busy channel and a fresh timeout of 30 s; per event"),
    ],
  },
  selector: {
    title: "A select that stays registered",
    source: "programs/select.mjs",
    kind: "time",
    rows: [
      floor,
      ...sized(
        "selector",
        [2, 64, 1_000, 10_000],
        (k) => `one task waits on ${k} channels, one sends to them in turn; per event`,
      ),
      ...sized(
        "selector-random",
        [2, 1_000, 10_000, 100_000],
        (k) => `${k} channels in random order: a value is put into one, then its event is awaited; per event`,
      ).map((row) => ({ ...row, least: row.size })),
      ...sized("select-random", [1_000], (k) => `the row of select over ${k} channels in random order; per event`),
    ],
  },
  broadcast: {
    title: "One tells many",
    source: "programs/broadcast.mjs",
    kind: "time",
    rows: [
      floor,
      ...sized(
        "broadcast",
        [2, 16, 1_000],
        (n) => `one task tells ${n} that receive, each from a buffer of 128, half full, all awaited; per delivery`,
      ).map(manyRounds),
      ...sized(
        "fan-out",
        [2, 16, 1_000],
        (n) => `the same by ${n} channels, which the task sends to one after the other; per delivery`,
      ).map(manyRounds),
      named("latest", "a value is set and seen by one who waits; per change"),
    ],
  },
  flow: {
    title: "Stages, and tasks that belong together",
    source: "programs/stages.mjs",
    kind: "time",
    rows: [
      floor,
      named("rendezvous", "without a stage: one task sends, one receives, no buffer; per message"),
      named("map", "the same through `map` with a function that is not async, one value at a time", { size: 1 }),
      named("two-senders", "two tasks send to one channel, one receives, no buffer; per message"),
      named("merge", "the same by a channel for each, and `merge`"),
      named("receive-single", "buffer of 128, filled by `trySend`, each receive awaited; per message"),
      named("receive-many-64", "the same by `receiveMany(64)`"),
      named("batch", "the same by `batch` of 64 that waits for nothing"),
      named("group", "four tasks, started and awaited together; per task"),
    ],
  },
  liveness: {
    title: "What else gets its turn while a rendezvous saturates the process",
    source: "kinds.mjs",
    rounds: 3,
    rows: [
      named("interval", "how late a 1 ms interval fires; milliseconds", { program: "rendezvous", kind: "interval" }),
      named("echo", "round trip of 64 bytes to another process over TCP; milliseconds", {
        program: "rendezvous",
        kind: "echo",
      }),
    ],
  },
  memory: {
    title: "Memory",
    source: "programs/memory.mjs",
    rounds: 3,
    rows: [
      named("idle-channel", "an idle channel; bytes", { kind: "weight" }),
      named("parked-receive", "a receive that waits, its promise included; bytes", { kind: "weight" }),
      named("parked-case", "a case of a select over 64 channels that waits; bytes", { size: 64, kind: "weight" }),
      ...sized("broadcast-value", [1, 1_000], (n) => `a value that ${n} subscribers have yet to receive; bytes`).map(
        (row) => ({ ...row, kind: "weight" }),
      ),
      named(
        "select-beside-silence",
        "heap growth by 10^5 selects (10^6 with --full) over a busy and a silent channel; bytes",
        { kind: "growth" },
      ),
      named("timers", "host timers alive after 10^5 selects with a fresh timeout of 30 s that lost", {
        program: "select-timeout",
        kind: "timers",
      }),
    ],
  },
  testing: {
    title: "A simulated day",
    source: "programs/day.mjs",
    kind: "day",
    rows: [
      named("day-sleep", "2,880 sleeps of 30 s under virtual time; milliseconds"),
      named("day-select", "2,880 selects over a ticker and the end of the day; milliseconds"),
      named("day-selector", "the same by a Selector; milliseconds"),
    ],
  },
  sockets: {
    title: "Sockets",
    source: "sockets/kinds.mjs",
    folder: "sockets",
    rows: [
      ...[
        ["text", 64],
        ["binary", 1_024],
        ["binary", 65_536],
      ].map(([type, size]) => ({
        name: `receive-${size}`,
        program: "receive",
        kind: "received",
        type,
        size,
        what: `${type} messages of ${size.toLocaleString("en")} bytes received; per second of the receiver's CPU, more is better`,
      })),
      ...[64, 1_024].map((size) => ({
        name: `send-${size}`,
        program: "send",
        kind: "sent",
        size,
        what: `text messages of ${size.toLocaleString("en")} bytes sent by one task; per second of the sender's CPU, more is better`,
      })),
      {
        name: "round-trip",
        program: "trips",
        kind: "trips",
        size: 64,
        what: "a text of 64 bytes there and back; microseconds",
      },
      {
        name: "flood",
        program: "flood",
        kind: "flooded",
        size: 1_024,
        rounds: 1,
        what: "the most resident memory while the peer sends 1 KiB messages without end and 1,000 a second are taken; megabytes",
      },
    ],
  },
  servers: {
    title: "Servers, with 1,000 connections (10,000 with --full)",
    source: "servers/kinds.mjs",
    folder: "servers",
    rounds: 3,
    rows: [
      {
        name: "served-idle",
        program: "hold",
        kind: "idle",
        what: "an idle connection, its channel included; bytes",
      },
      {
        name: "served-connects",
        program: "hold",
        kind: "connects",
        what: "connections made and closed; per second of the server's CPU, more is better",
      },
      {
        name: "served-echo",
        program: "echo",
        kind: "echoed",
        size: 64,
        what: "a text of 64 bytes to the server and back; microseconds, and those of the server's CPU",
      },
      {
        name: "served-receive",
        program: "receive",
        kind: "taken",
        size: 64,
        what: "masked text of 64 bytes received; messages per second of the server's CPU, more is better",
      },
      ...[
        ["served-selector-2", 2, "over these 2"],
        ["served-selector-all", Infinity, "over all"],
      ].map(([name, connections, over]) => ({
        name,
        program: "selector",
        kind: "taken",
        size: 64,
        connections,
        what: `the same from 2 connections, by one Selector ${over}`,
      })),
      ...[
        ["told", {}, "a text of 64 bytes to all, alone"],
        ["told-10", { gathered: 10 }, "ten texts of 64 bytes to all in one turn"],
        ["told-deflate", { size: 1_024, deflate: true }, "a text of 1 KiB to all, deflated"],
      ].map(([name, more, what]) => ({
        name,
        program: "tell",
        kind: "told",
        size: 64,
        ...more,
        what: `${what}; microseconds of the server's CPU for each receiver and message`,
      })),
      {
        name: "drain",
        program: "hold",
        kind: "drained",
        what: "`close({ over: 1000 })`, what it takes beyond that; milliseconds",
      },
    ],
  },
  // For the charts.
  growth: {
    title: "How cost grows",
    source: "programs/select.mjs",
    kind: "time",
    onDemand: true,
    rows: [
      ...sized("select", [2, 8, 32, 128, 512, 2_048, 10_000], (k) => `select over ${k} channels; per event`),
      ...sized("selector", [2, 8, 32, 128, 512, 2_048, 10_000], (k) => `Selector over ${k} channels; per event`),
      ...sized(
        "buffered",
        [2, 8, 32, 128, 512, 2_048, 8_192],
        (k) => `buffer of ${k}, half full, awaited; per message`,
      ),
      ...sized(
        "buffered-try",
        [1, 2, 8, 32, 128, 512, 2_048, 8_192],
        (k) => `buffer of ${k}, \`try…\` first; per message`,
      ),
    ],
  },
};

const METRICS = {
  time: ["nanoseconds"],
  interval: ["p50", "p99", "max"],
  echo: ["p50", "p99", "max"],
  weight: ["bytes"],
  growth: ["bytes"],
  timers: ["timers"],
  day: ["first", "warm"],
  received: ["rate"],
  sent: ["rate"],
  trips: ["microseconds"],
  flooded: ["megabytes"],
  idle: ["resident", "heap"],
  connects: ["rate"],
  echoed: ["microseconds", "cpu"],
  taken: ["rate"],
  told: ["microseconds"],
  drained: ["beyond"],
};

export const groups = Object.fromEntries(
  Object.entries(definitions).map(([name, { rows, kind, rounds, ...group }]) => [
    name,
    {
      ...group,
      rows: rows.map((row) => {
        const own = { kind, rounds, folder: group.folder ?? "subjects", ...row };
        return { ...own, group: name, metrics: METRICS[own.kind] };
      }),
    },
  ]),
);

export function rowOf(name) {
  for (const { rows } of Object.values(groups)) {
    const row = rows.find((candidate) => candidate.name === name);
    if (row !== undefined) return row;
  }
  throw new RangeError(`No row is called ${name}`);
}
