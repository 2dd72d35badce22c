// Tasks are generators: the programs are written in its own style. A put with `putAsync` is a send nobody waits for.
import csp from "js-csp";

const { alts, chan, go, offer, put, putAsync, take, timeout } = csp;
const channels = (count) => Array.from({ length: count }, () => chan());

/** Starts two tasks, the consumer first; gives what it returned. */
const both = (consumer, producer) =>
  new Promise((resolve) => {
    csp.takeAsync(go(consumer), resolve);
    go(producer);
  });

function* sendAll(channel, n, from = 0) {
  for (let i = from; i < n; i += 1) yield put(channel, i);
}
function* receiveAll(channel, n) {
  let sum = 0;
  for (let i = 0; i < n; i += 1) sum += yield take(channel);
  return sum;
}
function* sendRound(all, n) {
  for (let i = 0; i < n; i += 1) yield put(all[i % all.length], i);
}
function* selectAll(all, n) {
  let sum = 0;
  for (let i = 0; i < n; i += 1) sum += (yield alts(all)).value;
  return sum;
}

export const programs = {
  rendezvous() {
    const channel = chan();
    return (n) =>
      both(
        () => receiveAll(channel, n),
        () => sendAll(channel, n),
      );
  },
  "ping-pong"() {
    const [ping, pong] = channels(2);
    function* reflect(n) {
      for (let i = 0; i < n; i += 1) yield put(pong, yield take(ping));
    }
    function* serve(n) {
      let sum = 0;
      for (let i = 0; i < n; i += 1) {
        yield put(ping, i);
        sum += yield take(pong);
      }
      return sum;
    }
    return (n) =>
      both(
        () => serve(n),
        () => reflect(n),
      );
  },
  buffered(capacity) {
    const channel = chan(capacity);
    return (n) => {
      const filled = Math.min(capacity >> 1, n);
      for (let i = 0; i < filled; i += 1) putAsync(channel, i);
      return both(
        () => receiveAll(channel, n),
        () => sendAll(channel, n, filled),
      );
    };
  },
  "buffered-try"(capacity) {
    const channel = chan(capacity);
    function* trySendAll(n) {
      for (let i = 0; i < n; i += 1) if (!offer(channel, i)) yield put(channel, i);
    }
    function* tryReceiveAll(n) {
      let sum = 0;
      for (let i = 0; i < n; i += 1) {
        const value = csp.poll(channel);
        sum += value === csp.NO_VALUE ? yield take(channel) : value;
      }
      return sum;
    }
    return (n) =>
      both(
        () => tryReceiveAll(n),
        () => trySendAll(n),
      );
  },
  "fan-in"(producers) {
    const channel = chan();
    return (n) => {
      function* produce(first) {
        for (let i = first; i < n; i += producers) yield put(channel, i);
      }
      return both(
        () => receiveAll(channel, n),
        function* start() {
          for (let first = 0; first < producers; first += 1) go(produce, [first]);
        },
      );
    };
  },
  ring(count) {
    const all = channels(count);
    let [sum, hops, finished] = [0, 0, undefined];
    function* pass(from, to) {
      for (;;) {
        const item = yield take(from);
        sum += item;
        if (item + 1 < hops) yield put(to, item + 1);
        else finished(sum);
      }
    }
    all.forEach((channel, i) => go(pass, [channel, all[(i + 1) % count]]));
    return (n) =>
      new Promise((resolve) => {
        [sum, hops, finished] = [0, n, resolve];
        putAsync(all[0], 0);
      });
  },
  select(count) {
    const all = channels(count);
    return (n) =>
      both(
        () => selectAll(all, n),
        () => sendRound(all, n),
      );
  },
  "select-ready"() {
    const [a, b] = [chan(1), chan(1)];
    function* alternate(n) {
      let sum = 0;
      for (let i = 0; i < n; i += 1) {
        offer(i % 2 === 0 ? a : b, i);
        sum += (yield alts([a, b])).value;
      }
      return sum;
    }
    return (n) =>
      both(
        () => alternate(n),
        function* none() {},
      );
  },
  "select-timeout"() {
    const busy = chan();
    function* consume(n) {
      let sum = 0;
      for (let i = 0; i < n; i += 1) sum += (yield alts([busy, timeout(30_000)])).value;
      return sum;
    }
    return (n) =>
      both(
        () => consume(n),
        () => sendAll(busy, n),
      );
  },
  "select-beside-silence"() {
    const [busy, silent] = channels(2);
    return (n) =>
      both(
        () => selectAll([busy, silent], n),
        () => sendAll(busy, n),
      );
  },
  "idle-channel": () => (n) => () => channels(n),
  "parked-receive": () => (n) => {
    const all = channels(n);
    return () => {
      all.forEach((channel) => csp.takeAsync(channel, () => {}));
      return all;
    };
  },
};
