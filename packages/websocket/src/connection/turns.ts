// Where in a turn of the event loop things happen, and what must happen before the process exits.

type Schedule = (task: () => void) => unknown;

/** What holds something back for the rest of a turn. */
export interface Holding {
  /** Lets it go now. */
  flush(): void;
}

// Fakes of tests must not hold back what was sent: the real ones are taken at load, unless fakes were there first.
/** Behind every promise reaction of this turn. */
export const atTurnsEnd: Schedule = taken(process, "nextTick");
/** When the loop has looked at its sockets. */
export const nextTurn: Schedule = taken(globalThis, "setImmediate");

/** Those that hold something back: what `process.exit` would lose. */
export const holding: Set<Holding> = new Set<Holding>();
let listening = false;

/** From now on what is held back leaves before the process exits. */
export function flushAtExit(): void {
  if (!listening) process.on("exit", flushAll);
  listening = true;
}

// Who is let go may let others hold back what comes last: a set goes on to those as well.
function flushAll(): void {
  for (const one of holding) one.flush();
}

function taken(host: object, name: string): Schedule {
  const own = Reflect.get(host, name) as Schedule;
  // A fake has its clock as property.
  return "clock" in own ? (task) => (Reflect.get(host, name) as Schedule)(task) : own.bind(host);
}
