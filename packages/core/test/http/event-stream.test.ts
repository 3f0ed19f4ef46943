import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EventStream, heartbeatMs } from '../../src/http/event-stream.ts'

describe('a stream of events', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('numbers its events from 1 and gives those that wait at once', async () => {
    const stream = new EventStream(() => {})
    void stream.send('progress', '1')
    void stream.send('chunk', '{"a":2}')
    expect(await stream.next()).toEqual({
      done: false,
      value: 'id: 1\nevent: progress\ndata: 1\n\nid: 2\nevent: chunk\ndata: {"a":2}\n\n',
    })
  })

  it('gives the events that were sent before its end, then ends', async () => {
    const stream = new EventStream(() => {})
    void stream.send('result', '1')
    stream.end()
    expect((await stream.next()).value).toContain('event: result')
    expect(await stream.next()).toEqual({ done: true, value: undefined })
  })

  it('takes nothing after its end', async () => {
    const stream = new EventStream(() => {})
    stream.end()
    await stream.send('chunk', '1')
    expect((await stream.next()).done).toBe(true)
  })

  it('sends a comment after 15 s of silence, and again after the next 15 s', async () => {
    const stream = new EventStream(() => {})
    for (let beat = 0; beat < 2; beat += 1) {
      const read = stream.next()
      await vi.advanceTimersByTimeAsync(heartbeatMs - 1)
      let seen = false
      void read.then(() => {
        seen = true
      })
      await vi.advanceTimersByTimeAsync(0)
      expect(seen).toBe(false)
      await vi.advanceTimersByTimeAsync(1)
      expect(await read).toEqual({ done: false, value: ': heartbeat\n\n' })
    }
  })

  it('counts the silence from the last event', async () => {
    const stream = new EventStream(() => {})
    const first = stream.next()
    await vi.advanceTimersByTimeAsync(heartbeatMs - 1)
    void stream.send('chunk', '1')
    expect((await first).value).toContain('chunk')
    const second = stream.next()
    await vi.advanceTimersByTimeAsync(heartbeatMs - 1)
    void stream.send('chunk', '2')
    expect((await second).value).toContain('data: 2')
  })

  it('leaves no timer behind when it ends', async () => {
    const stream = new EventStream(() => {})
    const read = stream.next()
    stream.end()
    expect((await read).done).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('tells at once when its reader stops while it waits, and leaves no timer behind', async () => {
    const abandoned = vi.fn()
    const stream = new EventStream(abandoned)
    const read = stream.next()
    await stream.return()
    expect(await read).toEqual({ done: true, value: undefined })
    expect(abandoned).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not call a stream that was read to its end abandoned', async () => {
    const abandoned = vi.fn()
    const stream = new EventStream(abandoned)
    stream.end()
    await stream.next()
    await stream.return()
    expect(abandoned).not.toHaveBeenCalled()
  })

  it('lets a sender go on only when the reader asks for more', async () => {
    const stream = new EventStream(() => {})
    let taken = false
    void stream.send('chunk', '1').then(() => {
      taken = true
    })
    await stream.next()
    await vi.advanceTimersByTimeAsync(0)
    expect(taken).toBe(false)
    void stream.next()
    await vi.advanceTimersByTimeAsync(0)
    expect(taken).toBe(true)
  })

  it('lets senders go on when the reader is gone', async () => {
    const stream = new EventStream(() => {})
    const sent = stream.send('chunk', '1')
    await stream.return()
    await expect(sent).resolves.toBeUndefined()
  })

  it('lets senders go on at its end, whether its reader takes what waits or not', async () => {
    const stream = new EventStream(() => {})
    const sent = stream.send('chunk', '1')
    stream.end()
    await expect(sent).resolves.toBeUndefined()
    expect((await stream.next()).value).toContain('chunk')
  })

  it('leaves out a piece of progress of more than 64 KiB', async () => {
    const stream = new EventStream(() => {})
    void stream.send('progress', `"${'x'.repeat(65_535)}"`)
    void stream.send('progress', `"${'y'.repeat(65_534)}"`)
    const { value } = await stream.next()
    expect(value).not.toContain('x')
    expect(value).toContain('id: 1\nevent: progress\ndata: "y')
  })

  it('leaves out progress, and nothing else, when a reader is 1 MiB behind', async () => {
    const stream = new EventStream(() => {})
    for (let sent = 0; sent < 1_000; sent += 1) void stream.send('progress', `"${'x'.repeat(1_048)}"`)
    void stream.send('progress', '"left out"')
    void stream.send('chunk', '"kept"')
    const { value } = await stream.next()
    expect(value).not.toContain('left out')
    expect(value).toContain('event: chunk\ndata: "kept"')
  })
})
