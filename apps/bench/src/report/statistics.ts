/**
 * The middle value; the mean of the two in the middle of an even count.
 * @throws RangeError without values
 */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('There is no median of no values')
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
}

/**
 * The smallest value that at least `share` of all values do not exceed (nearest rank).
 * @param share from 0 to 1, such as 0.99
 * @throws RangeError without values, or for another share
 */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('There is no percentile of no values')
  if (!(share >= 0 && share <= 1)) throw new RangeError(`A percentile's share is from 0 to 1, not ${share}`)
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number
}

/** Two figures of one run, measured one after the other. */
export interface Pair {
  ours: number
  peer: number
}

/**
 * The medians of several runs. The ratio is the median of the runs' own ratios, so that a run on a busy machine, which
 * slows both, does not move it.
 * @throws RangeError without pairs
 */
export function medianPair(pairs: readonly Pair[]): Pair & { ratio: number } {
  return {
    ours: median(pairs.map((pair) => pair.ours)),
    peer: median(pairs.map((pair) => pair.peer)),
    ratio: median(pairs.map((pair) => pair.ours / pair.peer)),
  }
}
