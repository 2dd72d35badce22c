// Intrusive doubly linked lists, so that whoever gives up leaves by identity in O(1). Removing by position or lazily is
// how other libraries hang their neighbours or leak (docs/laws.md).

/** A node of one list at a time; in none while its fields are undefined. */
export interface Link {
  /** Who stands before it. */
  previous: Link | undefined;
  /** Who stands behind it. */
  next: Link | undefined;
}

/** @internal Tells whose neighbour on both sides a node is that it has left. */
export const vacated: unique symbol = Symbol("vacated");

/** @internal What a node stands in alone. */
export interface Owner extends Partial<Link> {
  [vacated](node: Link): void;
}

/**
 * First in, first out, and out of the middle at no cost. The list is a node itself, the one between its last
 * and its first: then no end is a special case.
 */
export class List<N extends Link> implements Link {
  /** Its last node, or itself. */
  previous: Link = this;
  /** Its first node, or itself. */
  next: Link = this;

  /** Its first node, if it has any. */
  get head(): N | undefined {
    return this.next === this ? undefined : (this.next as N);
  }

  /** Counts its nodes, one by one. */
  count(): number {
    let count = 0;
    for (let node: Link | undefined = this.next; node !== this; node = node?.next) count += 1;
    return count;
  }

  /** Puts a node behind all others. */
  append(node: N): void {
    const last = this.previous;
    node.previous = last;
    node.next = this;
    last.next = this.previous = node;
    if (last === this) this.turned();
  }

  /** @internal */
  [vacated](): void {
    this.previous = this.next = this;
    this.turned();
  }

  /** The list got its first node or lost its last one. */
  turned(): void {}

  /** For who stands in front of a channel: behind a queue there is nobody to tell. */
  changed(): void {}
}

/** Takes a node out of its list; does nothing when it is in none. */
export function unlink(node: Link): void {
  const { previous, next } = node;
  if (previous === undefined || next === undefined) return;
  node.previous = node.next = undefined;
  if (previous === next) {
    (next as Link & Owner)[vacated](node); // only what it stands in alone is its neighbour on both sides
  } else {
    previous.next = next;
    next.previous = previous;
  }
}

/** @internal What can stand in a queue: alone it is the queue. */
export interface Alone extends Link {
  readonly head: this;
  changed(): void;
}

/** @internal Nobody, one that waits alone, or a list of them: few channels ever need the list. */
export type Queue<N extends Alone> = List<N> | N;

/** @internal The queue in which nobody waits. */
export const NOBODY: List<never> = new List();

/** @internal Adds a node to a queue of its owner; gives what the queue is now. */
export function enqueue<N extends Alone>(queue: Queue<N>, node: N, owner: Owner): Queue<N> {
  if (queue === NOBODY) {
    node.previous = node.next = owner as Owner & Link;
    return node;
  }
  const list = queue.next === owner ? listOf(queue as N) : (queue as List<N>);
  list.append(node);
  return list;
}

/** @internal How many stand in a queue, counted one by one. */
export function countOf(queue: Queue<Alone>, owner: Owner): number {
  return queue.next === owner && queue !== owner ? 1 : (queue as List<Alone>).count();
}

/** @internal The node that came last. */
export function lastOf(queue: Link, owner: Owner): Link | undefined {
  return queue.next === owner ? queue : queue.previous;
}

function listOf<N extends Alone>(alone: N): List<N> {
  const list = new List<N>();
  list.append(alone);
  return list;
}
