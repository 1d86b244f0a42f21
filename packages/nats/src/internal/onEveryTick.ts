/**
 * One timer for everybody who wants to be called at the same interval: thousands of idle consumers with timers of their
 * own would wake the process hundreds of times a second.
 */

interface Ticker {
  readonly timer: NodeJS.Timeout
  readonly calls: Set<() => void>
}

const tickers = new Map<number, Ticker>()

const start = (intervalMs: number): Ticker => {
  const calls = new Set<() => void>()
  const timer = setInterval(() => {
    for (const call of calls) call()
  }, intervalMs)
  return { timer, calls }
}

/** Calls `call` at every tick, the first time within `intervalMs`, until the function that it gives is called. */
export const onEveryTick = (intervalMs: number, call: () => void): (() => void) => {
  const ticker = tickers.get(intervalMs) ?? start(intervalMs)
  tickers.set(intervalMs, ticker)
  ticker.calls.add(call)
  return () => {
    ticker.calls.delete(call)
    if (ticker.calls.size > 0 || tickers.get(intervalMs) !== ticker) return
    clearInterval(ticker.timer)
    tickers.delete(intervalMs)
  }
}
