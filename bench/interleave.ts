/**
 * Times two pieces of work in turn, round by round, so that a machine whose speed drifts slows both alike. The medians
 * are compared, because a noisy neighbour makes a few rounds slow and none fast. So a round should be shorter than what
 * the system gives a process at a time: some hundred rounds of a millisecond or less, rather than a few long ones.
 */

/** What one round of work cost, in any unit of time. */
export type Round = () => number

const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** The medians of `work` and `limit` over `rounds` rounds each, after as many rounds of warm-up as a tenth of that. */
export const interleave = (
  work: Round,
  limit: Round,
  rounds: number
): { readonly work: number; readonly limit: number } => {
  const measured: { work: Array<number>; limit: Array<number> } = { work: [], limit: [] }
  for (let round = -Math.ceil(rounds / 10); round < rounds; round += 1) {
    const [workTime, limitTime] = [work(), limit()]
    if (round < 0) continue
    measured.work.push(workTime)
    measured.limit.push(limitTime)
  }
  return { work: median(measured.work), limit: median(measured.limit) }
}
