// The ring under every buffer, by itself: that it grows, wraps around and keeps the order. That it lets go of what left
// is read off the heap in residue.node.test.ts.

import { Ring } from "@sluice/channels/source";
import { array, assert, integer, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { hunt } from "./progress.ts";
import { upTo } from "./values.ts";

function shifted<T>(ring: Ring<T>): T[] {
  const values: T[] = [];
  while (ring.length > 0) values.push(ring.shift());
  return values;
}

describe("a ring", () => {
  test.each([0, 1, 7, 8, 9, 16, 17, 1000])("gives %i values back in the order they came", (length) => {
    const ring = new Ring<number>();
    for (const i of upTo(length)) ring.push(i);
    expect(ring.length).toBe(length);
    expect(shifted(ring)).toEqual(upTo(length));
    expect(ring.length).toBe(0);
  });

  test("keeps the order when it grows while its values wrap around the end", () => {
    for (const turned of upTo(20)) {
      const ring = new Ring<number>();
      for (const i of upTo(8)) ring.push(i);
      for (const i of upTo(turned)) {
        expect(ring.shift()).toBe(i);
        ring.push(i + 8);
      }
      for (const i of upTo(30)) ring.push(turned + 8 + i); // grows twice
      expect(shifted(ring)).toEqual(upTo(38).map((i) => turned + i));
    }
  });

  test("behaves as an array does when it was large and shrinks, whatever wraps around", () => {
    // As below, by the thousand: a ring of up to 1,024 slots does not shrink.
    assert(
      property(array(integer({ min: -9000, max: 5000 }), { maxLength: 12 }), (steps) => {
        const ring = new Ring<number>();
        let pushed = 0;
        let taken = 0;
        let outOfOrder = 0;
        const take = (): void => {
          if (ring.shift() !== taken) outOfOrder += 1;
          taken += 1;
        };
        for (const step of steps) {
          for (let i = 0; i < step; i += 1) {
            ring.push(pushed);
            pushed += 1;
          }
          for (let i = step; i < 0 && taken < pushed; i += 1) take();
          expect(ring.length).toBe(pushed - taken);
        }
        while (taken < pushed) take();
        expect(outOfOrder).toBe(0);
      }),
      hunt(100),
    );
  });

  test("holds undefined as a value like any other", () => {
    const ring = new Ring<undefined>();
    ring.push(undefined);
    ring.push(undefined);
    expect(ring.length).toBe(2);
    expect(shifted(ring)).toEqual([undefined, undefined]);
  });

  test("behaves as an array does, whatever is pushed and shifted", () => {
    // A positive number pushes so many, a negative one shifts so many.
    assert(
      property(array(integer({ min: -12, max: 12 }), { maxLength: 60 }), (steps) => {
        const ring = new Ring<number>();
        const model: number[] = [];
        let next = 0;
        for (const step of steps) {
          for (let i = 0; i < step; i += 1) {
            ring.push(next);
            model.push(next);
            next += 1;
          }
          for (let i = step; i < 0 && model.length > 0; i += 1) expect(ring.shift()).toBe(model.shift());
          expect(ring.length).toBe(model.length);
        }
        expect(shifted(ring)).toEqual(model);
      }),
      hunt(300),
    );
  });
});
