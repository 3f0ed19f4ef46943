/** The longest delay that timers take; more would fire at once. */
const longest = 0x7fffffff

/** A timer that does not keep the process alive; none for `Infinity` and whatever else is longer than timers can be. */
export function startTimer(run: () => void, delayMs: number): NodeJS.Timeout | undefined {
  return delayMs > longest ? undefined : setTimeout(run, delayMs).unref()
}
