/** Where a command writes: results to standard output, everything else to standard error. */
export interface Output {
  print(text: string): void;
  complain(text: string): void;
}

/** Milliseconds between two signs of progress; what is shorter shows none. */
const progressPause = 1_000;

/** Tells how far something is, once a second, for what takes longer than that. */
export function progressTo(output: Output, verb: string): (done: number, total: number) => void {
  let last = performance.now();
  return (done, total) => {
    const now = performance.now();
    if (now - last < progressPause) return;
    last = now;
    const share = total === 0 ? 100 : Math.floor((done / total) * 100);
    output.complain(`${verb}: ${done} of ${total} rows (${share} %)`);
  };
}
