// What we hold ourselves to: ratios inside one run. Each gives what was measured and whether it holds; undefined when
// a number is missing.

const PEERS = ["medium", "thi.ng", "js-csp", "ts-chan", "chan", "effect", "it-pushable", "rxjs"];

const median = (found, group, row, subject = "sluice", metric = "nanoseconds") =>
  found[group]?.[row]?.[subject]?.[metric]?.median;

const atMost = (what, limit, value, unit = "×") => ({
  what: `${what} ≤ ${limit} ${unit}`,
  limit,
  value,
  unit,
  met: (number) => number <= limit,
});
const atLeast = (what, limit, value, unit = "×") => ({
  what: `${what} ≥ ${limit} ${unit}`,
  limit,
  value,
  unit,
  met: (number) => number >= limit,
});

/** Ours over Go's. */
const overGo = (group, row) => (found) => median(found, group, row) / median(found, group, row, "go");

/** The fastest peer over ours. */
const peers = (group, row) => (found) =>
  Math.min(...PEERS.map((peer) => median(found, group, row, peer)).filter((number) => number !== undefined)) /
  median(found, group, row);

const rate = (found, row, subject) => median(found, "sockets", row, subject, "rate");
const overWs = (row, subject) => (found) => rate(found, row, subject) / rate(found, row, "ws");

const served =
  (row, metric, subject = "sluice") =>
  (found) =>
    median(found, "servers", row, subject, metric);
const overWsServer = (row, metric) => (found) => served(row, metric)(found) / served(row, metric, "ws")(found);

const targets = [
  atMost("rendezvous: of Go's", 1, overGo("channels", "rendezvous")),
  atLeast("rendezvous: the fastest peer takes", 1, peers("channels", "rendezvous")),
  atMost("ping-pong: of Go's", 1, overGo("channels", "ping-pong")),
  atLeast("ping-pong: the fastest peer takes", 1, peers("channels", "ping-pong")),
  atMost(
    "buffered: of two bare awaits",
    1.35,
    (found) => median(found, "channels", "buffered") / (2 * median(found, "channels", "await", "node")),
  ),
  atMost("buffered-try: of Go's", 0.5, overGo("channels", "buffered-try")),
  atMost(
    "for-await: of buffered",
    1.25,
    (found) => median(found, "channels", "for-await") / median(found, "channels", "buffered"),
  ),
  atMost("select-2: of Go's", 1.2, overGo("select", "select-2")),
  atLeast("select-2: the fastest peer takes", 3, peers("select", "select-2")),
  atMost("select-64: of Go's", 0.5, overGo("select", "select-64")),
  atLeast("select-64: the fastest peer takes", 5, peers("select", "select-64")),
  atMost("select-timeout: of Go's", 0.7, overGo("select", "select-timeout")),
  atMost("select-timeout: host timers left", 0, (found) => median(found, "memory", "timers", "sluice", "timers"), ""),
  atMost(
    "selector-10000: of selector-2",
    1.3,
    (found) => median(found, "selector", "selector-10000") / median(found, "selector", "selector-2"),
  ),
  ...[
    [10_000, 2],
    [100_000, 4],
  ].map(([size, limit]) =>
    atMost(
      `selector-random-${size}: of selector-random-2`,
      limit,
      (found) => median(found, "selector", `selector-random-${size}`) / median(found, "selector", "selector-random-2"),
    ),
  ),
  // With two, a delivery costs half a send as well, and cannot be half of a send and a receive.
  ...[16, 1_000].map((n) =>
    atMost(
      `broadcast-${n}: of ${n} channels`,
      0.5,
      (found) => median(found, "broadcast", `broadcast-${n}`) / median(found, "broadcast", `fan-out-${n}`),
    ),
  ),
  atMost("latest: set and seen", 200, (found) => median(found, "broadcast", "latest"), "ns"),
  ...[
    ["map", "rendezvous"],
    ["merge", "two-senders"],
  ].map(([row, handOff]) =>
    atMost(`${row}: hand-offs a value`, 2, (found) => median(found, "flow", row) / median(found, "flow", handOff)),
  ),
  atLeast(
    "batch of 64: single receives take",
    5,
    (found) => median(found, "flow", "receive-single") / median(found, "flow", "batch"),
  ),
  atMost(
    "broadcast-value-1000: of broadcast-value-1",
    1.1,
    (found) =>
      median(found, "memory", "broadcast-value-1000", "sluice", "bytes") /
      median(found, "memory", "broadcast-value-1", "sluice", "bytes"),
  ),
  atMost(
    "interval under load: 99th percentile",
    10,
    (found) => median(found, "liveness", "interval", "sluice", "p99"),
    "ms",
  ),
  atMost("echo under load: 99th percentile", 10, (found) => median(found, "liveness", "echo", "sluice", "p99"), "ms"),
  atMost("idle channel", 110, (found) => median(found, "memory", "idle-channel", "sluice", "bytes"), "B"),
  atMost("parked receive", 200, (found) => median(found, "memory", "parked-receive", "sluice", "bytes"), "B"),
  atMost(
    "heap left by 10^5 selects beside a silent channel",
    65_536,
    (found) => median(found, "memory", "select-beside-silence", "sluice", "bytes"),
    "B",
  ),
  ...["day-sleep", "day-select", "day-selector"].map((row) =>
    atMost(`${row}: the first run in a process`, 50, (found) => median(found, "testing", row, "sluice", "first"), "ms"),
  ),
  ...["receive-64", "receive-1024", "receive-65536"].flatMap((row) => [
    atLeast(`${row}, for await: of ws`, 0.95, overWs(row, "sluice")),
    atLeast(`${row}, try first or batches: of ws`, 1.05, (found) =>
      Math.max(overWs(row, "sluice-try")(found), overWs(row, "sluice-many")(found)),
    ),
  ]),
  atLeast("send-64: of ws, each callback awaited", 4, overWs("send-64", "sluice")),
  atLeast(
    "round-trip: of ws's speed",
    0.95,
    (found) =>
      median(found, "sockets", "round-trip", "ws", "microseconds") /
      median(found, "sockets", "round-trip", "sluice", "microseconds"),
  ),
  atMost("flood: resident memory", 100, (found) => median(found, "sockets", "flood", "sluice", "megabytes"), "MB"),
  atMost("idle connection: resident", 16_384, served("served-idle", "resident"), "B"),
  atMost("idle connection: heap", 10_240, served("served-idle", "heap"), "B"),
  atLeast("served-echo: of ws's speed", 0.9, (found) => 1 / overWsServer("served-echo", "microseconds")(found)),
  atLeast("served-receive: of ws", 0.95, overWsServer("served-receive", "rate")),
  atLeast(
    "Selector over all connections: of one over two",
    0.9,
    (found) => served("served-selector-all", "rate")(found) / served("served-selector-2", "rate")(found),
  ),
  atMost("told, alone: a receiver", 11, served("told", "microseconds"), "µs"),
  atMost("told, ten gathered: a receiver and message", 1.8, served("told-10", "microseconds"), "µs"),
  atMost("told, deflated: a receiver", 12, served("told-deflate", "microseconds"), "µs"),
  atMost("drain: beyond `over`", 2_000, served("drain", "beyond"), "ms"),
];

/** The targets that this run can judge: `{ what, value, unit, met }`. */
export function judged(found) {
  return targets
    .map(({ what, value, unit, met }) => ({ what, unit, value: value(found), met }))
    .filter(({ value }) => Number.isFinite(value))
    .map((target) => ({ ...target, met: target.met(target.value) }));
}
