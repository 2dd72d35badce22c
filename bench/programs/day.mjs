// A day of heartbeats every 30 s under virtual time, for libraries that have it: what a test of a timeout costs. Each
// program gives the number of beats.

const DAY = 86_400_000;

export function day({ virtualTime, select, selector, next, sleep, tickAndEnd }) {
  if (virtualTime === undefined) return {};

  /** `prepare` gives what waits for one beat. */
  const beats = (prepare) => () => () =>
    virtualTime(async (clock) => {
      const beat = prepare();
      let count = 0;
      for (; clock.now() < DAY; count += 1) await beat();
      return count;
    });

  return {
    "day-sleep": beats(() => () => sleep("30s")),
    "day-select": beats(() => {
      const cases = tickAndEnd();
      return () => select(cases);
    }),
    "day-selector": beats(() => {
      const events = selector(Object.values(tickAndEnd()));
      return () => next(events);
    }),
  };
}
