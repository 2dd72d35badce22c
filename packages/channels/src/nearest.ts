// The name that was probably meant.

/** Gives the known name that is nearest to a misspelt one: other letters by case or underscores, or one or two slips. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const wanted = plain(name);
  const most = Math.min(2, Math.floor(wanted.length / 3)); // of `ca` everything is two slips away
  let best: { readonly name: string; readonly slips: number } | undefined;
  for (const candidate of known) {
    const slips = distance(wanted, plain(candidate));
    if (slips <= most && slips < (best?.slips ?? Infinity)) best = { name: candidate, slips };
  }
  return best?.name;
}

function plain(name: string): string {
  return name.replaceAll(/[-_\s]/g, "").toLowerCase();
}

// Letters added, left out, changed, or two of them swapped (optimal string alignment), row by row.
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? Infinity) + 1 : Infinity;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + changed, swapped));
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}
