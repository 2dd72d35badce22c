// Intrusive doubly linked lists, so that whoever gives up leaves by identity in O(1). Removing by position or lazily is
// how other libraries hang their neighbours or leak (docs/laws.md).

/** A node of one list at a time; in none while its fields are undefined. */
export interface Link {
  /** Who stands before it. */
  previous: Link | undefined;
  /** Who stands behind it. */
  next: Link | undefined;
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

  /** The list got its first node or lost its last one. */
  turned(): void {}

  /** For who stands in front of a channel: behind a queue there is nobody to tell. */
  changed(): void {}
}

/** Takes a node out of its list; does nothing when it is in none. */
export function unlink(node: Link): void {
  const { previous, next } = node;
  if (previous === undefined || next === undefined) return;
  previous.next = next;
  next.previous = previous;
  node.previous = node.next = undefined;
  if (previous === next) (next as List<Link>).turned(); // only the list itself is its own neighbour on both sides
}
