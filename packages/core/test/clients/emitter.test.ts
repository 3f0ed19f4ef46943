import { describe, expect, it, vi } from 'vitest'
import { Emitter } from '../../src/clients/emitter.ts'

interface Events {
  a: number
  b: string
}

const makeEmitter = () => {
  const onListenerError = vi.fn<(event: keyof Events, error: unknown) => void>()
  return { emitter: new Emitter<Events>(onListenerError), onListenerError }
}

describe('Emitter', () => {
  it('calls the listeners of an event in order, and no others', () => {
    const { emitter } = makeEmitter()
    const heard: string[] = []
    emitter.on('a', (value) => heard.push(`first ${value}`))
    emitter.on('b', (value) => heard.push(`other ${value}`))
    emitter.on('a', (value) => heard.push(`second ${value}`))
    emitter.emit('a', 1)
    expect(heard).toEqual(['first 1', 'second 1'])
  })

  it('says whether anybody listens', () => {
    const { emitter } = makeEmitter()
    expect(emitter.has('a')).toBe(false)
    const off = emitter.on('a', () => {})
    expect(emitter.has('a')).toBe(true)
    expect(emitter.has('b')).toBe(false)
    off()
    expect(emitter.has('a')).toBe(false)
  })

  it('ends one listening only, and only once', () => {
    const { emitter } = makeEmitter()
    const listener = vi.fn()
    const off = emitter.on('a', listener)
    emitter.on('a', listener)
    emitter.emit('a', 1)
    expect(listener).toHaveBeenCalledTimes(2)
    off()
    off()
    emitter.emit('a', 2)
    expect(listener).toHaveBeenCalledTimes(3)
  })

  it('goes on after a listener that throws, and reports it', () => {
    const { emitter, onListenerError } = makeEmitter()
    const later = vi.fn()
    const error = new Error('no')
    emitter.on('a', () => {
      throw error
    })
    emitter.on('a', later)
    emitter.emit('a', 1)
    expect(later).toHaveBeenCalledWith(1)
    expect(onListenerError).toHaveBeenCalledWith('a', error)
  })

  it('reports a listener that rejects instead of leaving the rejection unhandled', async () => {
    const { emitter, onListenerError } = makeEmitter()
    const error = new Error('later')
    // biome-ignore lint/nursery/noMisusedPromises: what users write, and what must not end the process.
    emitter.on('a', async () => {
      throw error
    })
    emitter.emit('a', 1)
    await vi.waitFor(() => expect(onListenerError).toHaveBeenCalledWith('a', error))
  })

  it('ends although a listener listens anew each time', () => {
    const { emitter } = makeEmitter()
    let calls = 0
    let off = (): void => {}
    const listen = (): void => {
      off()
      calls += 1
      off = emitter.on('a', listen)
    }
    off = emitter.on('a', listen)
    emitter.emit('a', 1)
    expect(calls).toBe(1)
    emitter.emit('a', 2)
    expect(calls).toBe(2)
  })
})
