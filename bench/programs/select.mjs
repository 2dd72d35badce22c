// Waiting for the first of several. A library gives `prepare(channels)`, once, `select(prepared)`, each time, and
// `selected(result, prepared)`, the value; `selectOrTimeout(prepared)`, with a fresh timeout of 30 s; and
// `selector(channels)`, a select that stays registered, with `next(selector)` and `event(result)`.

import { both, channels, shuffled, tasks } from "./tasks.mjs";

export function select(library) {
  const { post, prepare, selected, selectOrTimeout, next, event } = library;
  const { sendAll, sendRound } = tasks(library);

  async function selectAll(prepared, n) {
    let sum = 0;
    for (let i = 0; i < n; i += 1) sum += selected(await library.select(prepared), prepared);
    return sum;
  }

  function parked(count) {
    const all = channels(library, count);
    const prepared = prepare(all);
    return (n) =>
      both(
        () => selectAll(prepared, n),
        () => sendRound(all, n),
      );
  }

  function ready() {
    const [a, b] = channels(library, 2, 1);
    const prepared = prepare([a, b]);
    return async (n) => {
      let sum = 0;
      for (let i = 0; i < n; i += 1) {
        post(i % 2 === 0 ? a : b, i);
        sum += selected(await library.select(prepared), prepared);
      }
      return sum;
    };
  }

  function timeout() {
    const busy = library.open(0);
    const prepared = prepare([busy]);
    async function consume(n) {
      let sum = 0;
      for (let i = 0; i < n; i += 1) sum += selected(await selectOrTimeout(prepared), prepared);
      return sum;
    }
    return (n) =>
      both(
        () => consume(n),
        () => sendAll(busy, n),
      );
  }

  function besideSilence() {
    const [busy, silent] = channels(library, 2);
    const prepared = prepare([busy, silent]);
    return (n) =>
      both(
        () => selectAll(prepared, n),
        () => sendAll(busy, n),
      );
  }

  function selector(count) {
    const all = channels(library, count);
    const registered = library.selector(all);
    async function nextAll(n) {
      let sum = 0;
      for (let i = 0; i < n; i += 1) sum += event(await next(registered));
      return sum;
    }
    return (n) =>
      both(
        () => nextAll(n),
        () => sendRound(all, n),
      );
  }

  /** A value is put into a channel, then the event taken: nobody waits when it comes. */
  function selectorRandom(count) {
    const all = channels(library, count, 1);
    const registered = library.selector(all);
    const order = shuffled(all);
    return async (n) => {
      let sum = 0;
      for (let i = 0, at = 0; i < n; i += 1) {
        post(order[at], i);
        at += 1;
        if (at === count) at = 0;
        sum += event(await next(registered));
      }
      return sum;
    };
  }

  function selectRandom(count) {
    const all = channels(library, count);
    const prepared = prepare(all);
    const order = shuffled(all);
    return (n) =>
      both(
        () => selectAll(prepared, n),
        () => sendRound(order, n),
      );
  }

  return {
    ...(prepare && {
      select: parked,
      "select-random": selectRandom,
      "select-ready": ready,
      "select-beside-silence": besideSilence,
    }),
    ...(selectOrTimeout && { "select-timeout": timeout }),
    ...(library.selector && { selector }),
    ...(library.selector && post && { "selector-random": selectorRandom }),
  };
}
