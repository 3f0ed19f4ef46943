import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createInterrupts } from '../../src/chat/interrupts.ts'
import { InterruptedError } from '../../src/exit-errors.ts'

/** A process whose Ctrl-C and clock are in the test's hands. */
function createHands() {
  const listeners = new Set<() => void>()
  let now = 0
  const interrupts = createInterrupts(
    {
      onInterrupt(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    () => now,
  )
  const signal = (afterMs: number): void => {
    now += afterMs
    for (const listener of listeners) listener()
  }
  return { interrupts, signal, listeners }
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('ended in order')))
const forever = () => new Promise<never>(() => {})

describe('Ctrl-C', () => {
  it('aborts what runs, which may still end in order', async () => {
    const { interrupts, signal } = createHands()
    const work = interrupts.run(untilAborted)
    signal(1_000)
    expect(await work).toBe('ended in order')
  })

  it('turns the failure of what it aborted into an interruption', async () => {
    const { interrupts, signal } = createHands()
    const work = interrupts.run(async (aborted) => {
      await untilAborted(aborted)
      throw new Error('could not go on')
    })
    signal(1_000)
    await expect(work).rejects.toThrow(InterruptedError)
  })

  it('leaves other failures as they are', async () => {
    const { interrupts } = createHands()
    await expect(interrupts.run(() => Promise.reject(new Error('by itself')))).rejects.toThrow('by itself')
  })

  it('pressed again ends what does not end', async () => {
    const { interrupts, signal } = createHands()
    const work = interrupts.run(forever)
    signal(1_000)
    signal(1_000)
    await expect(work).rejects.toThrow(InterruptedError)
  })

  it('that arrives twice, as npm passes it on, counts once', async () => {
    const { interrupts, signal } = createHands()
    const work = interrupts.run(forever)
    signal(1_000)
    signal(150)
    let ended = false
    work.catch(() => {
      ended = true
    })
    await setImmediate()
    expect(ended).toBe(false)
    signal(200)
    await expect(work).rejects.toThrow(InterruptedError)
  })

  it('does nothing while nothing runs, and is given back at the end', async () => {
    const { interrupts, signal, listeners } = createHands()
    signal(1_000)
    interrupts.press()
    expect(await interrupts.run(async (aborted) => aborted.aborted)).toBe(false)
    interrupts.release()
    expect(listeners.size).toBe(0)
  })

  it('as a key of the terminal needs no pause in between', async () => {
    const { interrupts } = createHands()
    const work = interrupts.run(forever)
    interrupts.press()
    interrupts.press()
    await expect(work).rejects.toThrow(InterruptedError)
  })
})
