// K3: power series as tasks. A series gives a coefficient only when it is asked for one, over a pair of channels, so a
// single wake-up that is lost, doubled or sent to the wrong task hangs the whole net or spoils its exact fractions.

import { Channel, select } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { upTo } from "./values.ts";

/** An exact fraction in lowest terms, its denominator positive. */
class Rational {
  readonly over: bigint;
  readonly under: bigint;

  constructor(over: bigint, under = 1n) {
    let [a, b] = [over < 0n ? -over : over, under < 0n ? -under : under];
    while (b !== 0n) [a, b] = [b, a % b];
    const divisor = under < 0n ? -a : a;
    this.over = over / divisor;
    this.under = under / divisor;
  }

  plus({ over, under }: Rational): Rational {
    return new Rational(this.over * under + over * this.under, this.under * under);
  }

  times({ over, under }: Rational): Rational {
    return new Rational(this.over * over, this.under * under);
  }

  inverse(): Rational {
    return new Rational(this.under, this.over);
  }

  toString(): string {
    return this.under === 1n ? `${this.over}` : `${this.over}/${this.under}`;
  }
}

const ZERO = new Rational(0n);
const ONE = new Rational(1n);

/** Ask on `demand`, then receive from `supply`. */
interface Series {
  readonly demand: Channel<null>;
  readonly supply: Channel<Rational>;
}

async function received<T>(channel: Channel<T>): Promise<T> {
  const { ok, value } = await channel.receive();
  if (!ok) throw new Error("Expected a value");
  return value;
}

async function get({ demand, supply }: Series): Promise<Rational> {
  await demand.send(null);
  return received(supply);
}

/** Asks both at once and takes what comes in the order it comes: neither is kept waiting by the other. */
async function getBoth(f: Series, g: Series): Promise<[Rational, Rational]> {
  const [fs, gs] = [
    { asked: false, got: ZERO, done: false },
    { asked: false, got: ZERO, done: false },
  ];
  while (!fs.done || !gs.done) {
    const r = await select({
      askF: !fs.asked && f.demand.caseSend(null),
      askG: !gs.asked && g.demand.caseSend(null),
      f: fs.asked && !fs.done && f.supply,
      g: gs.asked && !gs.done && g.supply,
    });
    if (r.name === "askF") fs.asked = true;
    else if (r.name === "askG") gs.asked = true;
    else if (r.ok) Object.assign(r.name === "f" ? fs : gs, { got: r.value, done: true });
  }
  return [fs.got, gs.got];
}

type Put = (make: () => Rational | Promise<Rational>) => Promise<void>;

/** A series made by a task that puts one coefficient for each demand. */
function series(coefficients: (put: Put) => Promise<void>, into: Series = unborn()): Series {
  void coefficients(async (make) => {
    await received(into.demand);
    await into.supply.send(await make());
  });
  return into;
}

function unborn(): Series {
  return { demand: new Channel(), supply: new Channel() };
}

async function copy(from: Series, put: Put): Promise<void> {
  for (;;) await put(async () => get(from));
}

/** The coefficients given, and zeros after them. */
function polynomial(...coefficients: Rational[]): Series {
  return series(async (put) => {
    for (const coefficient of coefficients) await put(() => coefficient);
    for (;;) await put(() => ZERO);
  });
}

/** The same coefficient for ever: 1/(1-x), times it. */
function repeated(coefficient: Rational): Series {
  return series(async (put) => {
    for (;;) await put(() => coefficient);
  });
}

/** Two series that give the same as one, each at its own pace: while one waits for news, the other can read old ones. */
function split(f: Series): [Series, Series] {
  const [left, right] = [
    { ...unborn(), waits: false, queue: [] as Rational[] },
    { ...unborn(), waits: false, queue: [] as Rational[] },
  ];
  const serve = async (): Promise<void> => {
    const question = { asked: false };
    for (;;) {
      const r = await select({
        left: !left.waits && left.demand,
        right: !right.waits && right.demand,
        ask: !question.asked && (left.waits || right.waits) && f.demand.caseSend(null),
        news: question.asked && f.supply,
      });
      if (r.name === "left") left.waits = true;
      else if (r.name === "right") right.waits = true;
      else question.asked = r.name === "ask";
      for (const out of [left, right]) {
        if (r.name === "news" && r.ok) out.queue.push(r.value);
        const next = out.waits ? out.queue.shift() : undefined;
        if (next === undefined) continue;
        out.waits = false;
        await out.supply.send(next);
      }
    }
  };
  void serve();
  return [left, right];
}

function add(f: Series, g: Series): Series {
  return series(async (put) => {
    for (;;) {
      await put(async () => {
        const [a, b] = await getBoth(f, g);
        return a.plus(b);
      });
    }
  });
}

function scale(factor: Rational, f: Series): Series {
  return series(async (put) => {
    for (;;) await put(async () => factor.times(await get(f)));
  });
}

/** `first + x f`. */
function after(first: Rational, f: Series): Series {
  return series(async (put) => {
    await put(() => first);
    await copy(f, put);
  });
}

// With f = a + x F and g = b + x G: fg = ab + x (aG + bF + x FG).
function multiply(f: Series, g: Series): Series {
  return series(async (put) => {
    let heads: [Rational, Rational] = [ZERO, ZERO];
    await put(async () => {
      heads = await getBoth(f, g);
      return heads[0].times(heads[1]);
    });
    const [[f1, f2], [g1, g2]] = [split(f), split(g)];
    await copy(add(add(scale(heads[0], g1), scale(heads[1], f1)), after(ZERO, multiply(f2, g2))), put);
  });
}

function derivative(f: Series): Series {
  return series(async (put) => {
    await get(f);
    for (let n = 1n; ; n += 1n) await put(async () => new Rational(n).times(await get(f)));
  });
}

function integral(constant: Rational, f: Series, into: Series = unborn()): Series {
  return series(async (put) => {
    await put(() => constant);
    for (let n = 1n; ; n += 1n) await put(async () => new Rational(1n, n).times(await get(f)));
  }, into);
}

// 1/f with f = a + x F is z = 1/a (1 - x F z): a net that is fed its own output.
function reciprocal(f: Series): Series {
  const z = unborn();
  const [out, back] = split(z);
  void series(async (put) => {
    let inverse = ONE;
    await put(async () => {
      inverse = (await get(f)).inverse();
      return inverse;
    });
    await copy(scale(inverse.times(new Rational(-1n)), multiply(f, back)), put);
  }, z);
  return out;
}

// exp(f), for f without a constant, is z = 1 + integral of z f'.
function exponential(f: Series): Series {
  const z = unborn();
  const [out, back] = split(z);
  integral(ONE, multiply(back, derivative(f)), z);
  return out;
}

// f(g), for g without a constant: with f = a + x F and g = x G that is a + x G F(g).
function substitute(f: Series, g: Series): Series {
  return series(async (put) => {
    const [g1, g2] = split(g);
    await put(async () => get(f));
    await get(g1);
    await copy(multiply(g1, substitute(f, g2)), put);
  });
}

// The series of tan x is the one with t = integral of 1 + t².
function tangent(): Series {
  const t = unborn();
  const [out, back] = split(t);
  const [t1, t2] = split(back);
  integral(ZERO, add(polynomial(ONE), multiply(t1, t2)), t);
  return out;
}

async function begin(length: number, f: Series): Promise<string> {
  const coefficients: Rational[] = [];
  for (const _ of upTo(length)) coefficients.push(await get(f));
  return coefficients.join(" ");
}

const ones = (): Series => repeated(ONE);
const rational = (over: number, under = 1): Rational => new Rational(BigInt(over), BigInt(under));
const arctangentSlope = (): Series => substitute(ones(), polynomial(ZERO, ZERO, rational(-1))); // 1/(1+x²)

describe("K3: power series whose tasks ask one another for coefficients give exact fractions", () => {
  test.each<[string, () => Series, string]>([
    ["a sum", () => add(ones(), repeated(rational(2))), "3 3 3 3 3 3 3 3 3 3"],
    ["a product: 1/(1-x)²", () => multiply(ones(), ones()), "1 2 3 4 5 6 7 8 9 10"],
    [
      "a product of four: 1/(1-x)⁴",
      () => multiply(multiply(ones(), ones()), multiply(ones(), ones())),
      "1 4 10 20 35 56 84 120 165 220",
    ],
    ["a derivative", () => derivative(ones()), "1 2 3 4 5 6 7 8 9 10"],
    ["an integral: -log(1-x)", () => integral(ZERO, ones()), "0 1 1/2 1/3 1/4 1/5 1/6 1/7 1/8 1/9"],
    [
      "a polynomial's square",
      () => multiply(polynomial(ONE, rational(1, 3)), polynomial(ONE, rational(1, 3))),
      "1 2/3 1/9 0 0 0 0 0 0 0",
    ],
    ["a reciprocal: 1/(1/(1-x))", () => reciprocal(ones()), "1 -1 0 0 0 0 0 0 0 0"],
    [
      "a reciprocal with fractions",
      () => reciprocal(polynomial(rational(2), ONE)),
      "1/2 -1/4 1/8 -1/16 1/32 -1/64 1/128 -1/256 1/512 -1/1024",
    ],
    [
      "an exponential: exp(x)",
      () => exponential(polynomial(ZERO, ONE)),
      "1 1 1/2 1/6 1/24 1/120 1/720 1/5040 1/40320 1/362880",
    ],
    [
      "exp(x/(1-x))",
      () => exponential(after(ZERO, ones())),
      "1 1 3/2 13/6 73/24 167/40 4051/720 37633/5040 43817/4480 4596553/362880",
    ],
    ["a substitution: 1/(1-x) of -x²", arctangentSlope, "1 0 -1 0 1 0 -1 0 1 0"],
    ["an arctangent", () => integral(ZERO, arctangentSlope()), "0 1 0 -1/3 0 1/5 0 -1/7 0 1/9"],
    ["a tangent", tangent, "0 1 0 1/3 0 2/15 0 17/315 0 62/2835"],
  ])("%s", async (_, make, expected) => {
    expect(await begin(10, make())).toBe(expected);
  });

  test("tan(arctan(x)) is x: a net of thousands of tasks", async () => {
    expect(await begin(8, substitute(tangent(), integral(ZERO, arctangentSlope())))).toBe("0 1 0 0 0 0 0 0");
  });

  test("both halves of a split give the whole, however far one runs ahead", async () => {
    const [one, other] = split(integral(ZERO, ones()));
    expect(await begin(5, one)).toBe("0 1 1/2 1/3 1/4");
    expect(await begin(8, other)).toBe("0 1 1/2 1/3 1/4 1/5 1/6 1/7");
    expect(await begin(5, one)).toBe("1/5 1/6 1/7 1/8 1/9");
  });
});
