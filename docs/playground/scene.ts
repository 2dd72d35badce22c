// Where things stand in a playground, and what happened between two frames of a film: numbers and words for a component to
// draw. A pipe for each channel, who sends on its left, who receives on its right; who only sleeps stands below.

import type { Film, Frame, Pipe, Task } from "./film.ts";

export const WIDTH = 640;
const ROW = 74;
const PIPE = { left: 236, right: 404 };
const BOX = { width: 150, height: 40, gap: 8 };
const SLOTS_SHOWN = 8;
const MOVING_SHOWN = 3;
const FRAMES_ON_THE_WAY = 10;

export interface Box {
  readonly task: Task;
  readonly x: number;
  readonly y: number;
  /** What stands in it below the name. */
  readonly words: string;
}

export interface Line {
  readonly key: string;
  readonly path: string;
}

export interface Row {
  readonly pipe: Pipe;
  readonly y: number;
  readonly slots: readonly { readonly x: number; readonly full: boolean }[];
}

/** A value on its way. */
export interface Move {
  readonly key: string;
  readonly way: "in" | "out";
  readonly x: number;
  readonly y: number;
}

export interface Scene {
  readonly height: number;
  readonly rows: readonly Row[];
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
}

function heightAt(index: number): number {
  return 30 + index * ROW;
}

function rowOf(pipe: Pipe, index: number): Row {
  const shown = Math.min(pipe.capacity, SLOTS_SHOWN);
  const width = (PIPE.right - PIPE.left) / Math.max(1, shown);
  return {
    pipe,
    y: heightAt(index),
    // The value that leaves next stands on the right.
    slots: Array.from({ length: shown }, (_, i) => ({
      x: PIPE.left + (i + 0.5) * width,
      full: shown - i <= pipe.length,
    })),
  };
}

/** Values that came in or went out in the last frames up to this one: they are on their way for so long. */
export function movesOf({ frames }: Film, index: number): Move[] {
  return frames.slice(Math.max(1, index - FRAMES_ON_THE_WAY + 1), index + 1).flatMap((frame) => {
    const before = frames[frames.indexOf(frame) - 1];
    return frame.pipes.flatMap((pipe, row) => {
      const received = pipe.received - (before?.pipes[row]?.received ?? 0);
      const entered = received + pipe.length - (before?.pipes[row]?.length ?? 0);
      const some = (way: "in" | "out", count: number, x: number): Move[] =>
        Array.from({ length: Math.min(MOVING_SHOWN, count) }, (_, i) => ({
          key: `${frame.at} ${row} ${way} ${i}`,
          way,
          x: x - i * 16,
          y: heightAt(row),
        }));
      return [...some("in", entered, PIPE.left - 16), ...some("out", received, PIPE.right - 16)];
    });
  });
}

function wordsOf({ operation, waits }: Task): string {
  const timer = waits.find(({ kind }) => kind === "timer");
  return timer === undefined ? operation : `${operation}, ${timer.what} ms`;
}

/** Puts boxes below each other, none above the row that it belongs to. */
function column(tasks: readonly Task[], x: number, rows: readonly Row[]): Box[] {
  let free = 6;
  const middle = (task: Task): number => {
    const own = rows.filter(({ pipe }) => task.waits.some(({ what }) => what === pipe.name));
    return own.reduce((sum, { y }) => sum + y, 0) / Math.max(1, own.length);
  };
  return tasks
    .toSorted((a, b) => middle(a) - middle(b))
    .map((task) => {
      const y = Math.max(free, middle(task) - BOX.height / 2);
      free = y + BOX.height + BOX.gap;
      return { task, x, y, words: wordsOf(task) };
    });
}

function linesOf(boxes: readonly Box[], rows: readonly Row[]): Line[] {
  return boxes.flatMap(({ task, x, y }) =>
    task.waits.flatMap(({ kind, what }) => {
      const row = rows.find(({ pipe }) => pipe.name === what);
      if (row === undefined || kind === "timer") return [];
      const isLeft = x < PIPE.left;
      const from = isLeft ? x + BOX.width : x;
      const to = kind === "send" ? PIPE.left - 8 : PIPE.right + 8;
      const bend = isLeft === (kind === "send") ? (from + to) / 2 : from - 40;
      const start = y + BOX.height / 2;
      return [
        { key: `${task.key} ${what}`, path: `M${from} ${start}C${bend} ${start} ${bend} ${row.y} ${to} ${row.y}` },
      ];
    }),
  );
}

/** What one frame looks like. */
export function sceneOf(frame: Frame): Scene {
  const rows = frame.pipes.map(rowOf);
  const waitsFor = (kind: string) => (task: Task) =>
    task.waits.some((wait) => wait.kind === kind && rows.some(({ pipe }) => pipe.name === wait.what));
  const receiving = frame.tasks.filter(waitsFor("receive"));
  const sending = frame.tasks.filter((task) => waitsFor("send")(task) && !receiving.includes(task));
  const resting = frame.tasks.filter((task) => !receiving.includes(task) && !sending.includes(task));
  const beside = [...column(sending, 4, rows), ...column(receiving, WIDTH - BOX.width - 4, rows)];
  const below = Math.max(rows.length * ROW, ...beside.map(({ y }) => y + BOX.height + BOX.gap)) + 10;
  const asleep = resting.map((task, i) => ({
    task,
    x: 4 + (i % 4) * (BOX.width + BOX.gap),
    y: below + Math.floor(i / 4) * (BOX.height + BOX.gap),
    words: wordsOf(task),
  }));
  const boxes = [...beside, ...asleep];
  return {
    height: Math.max(below, ...asleep.map(({ y }) => y + BOX.height)) + 8,
    rows,
    boxes,
    lines: linesOf(boxes, rows),
  };
}

/** What happened between two frames, in words. */
export function happened(frame: Frame, before: Frame | undefined): string[] {
  if (before === undefined) return [];
  const passed = frame.at - before.at;
  const isGone = (task: Task): boolean => !frame.tasks.some(({ key }) => key === task.key);
  const moved = frame.pipes.filter((pipe, i) => pipe.received > (before.pipes[i]?.received ?? 0));
  return before.tasks.filter(isGone).flatMap(({ who, operation, waits }) => {
    const from = waits.find(({ kind, what }) => kind === "receive" && moved.some(({ name }) => name === what));
    const due = waits.find(({ kind, what }) => kind === "timer" && Number(what) <= passed);
    if (operation === "sleep") return [`${who} wakes`];
    if (from !== undefined) return [`${who}: ${operation} takes a value from ${from.what}`];
    if (due !== undefined) return [`${who}: a timer falls due`];
    return operation === "send" ? [`${who}: the send is done`] : [];
  });
}

/** The height that every frame of a film fits into. */
export function heightOf({ frames }: Film): number {
  return Math.max(60, ...frames.map((frame) => sceneOf(frame).height));
}

function seen(frame: Frame | undefined): string {
  return JSON.stringify([
    frame?.printed,
    frame?.pipes.map(({ length, received, closed }) => [length, received, closed]),
    frame?.tasks.map(({ key }) => key),
  ]);
}

/** The next frame in which something else is seen than in this one, before or behind it. */
export function stepFrom({ frames }: Film, index: number, direction: 1 | -1): number {
  let next = index + direction;
  while (frames[next + direction] !== undefined && seen(frames[next]) === seen(frames[index])) next += direction;
  return Math.min(frames.length - 1, Math.max(0, next));
}
