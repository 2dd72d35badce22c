// A day of heartbeats every 30 s under virtual time, for libraries that have it: what a test of a timeout costs. Each
// program gives the number of beats.

export function day(library) {
  const { virtualTime, select, selector, sleep, tickAndEnd } = library;
  if (virtualTime === undefined) return {};
  const DAY = 86_400_000;

  return {
    "day-sleep": () => () =>
      virtualTime(async (clock) => {
        let beats = 0;
        for (; clock.now() < DAY; beats += 1) await sleep("30s");
        return beats;
      }),

    "day-select": () => () =>
      virtualTime(async (clock) => {
        const cases = tickAndEnd();
        let beats = 0;
        for (; clock.now() < DAY; beats += 1) await select(cases);
        return beats;
      }),

    "day-selector": () => () =>
      virtualTime(async (clock) => {
        const events = selector(Object.values(tickAndEnd()));
        let beats = 0;
        for (; clock.now() < DAY; beats += 1) await events.next();
        return beats;
      }),
  };
}
