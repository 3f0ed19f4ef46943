import { describe, expect, it } from 'vitest'
import { GroupCommit, type GroupCommitOptions } from '../../src/store/group-commit.ts'

/** A writer whose writes end when the test says so, and turns of the event loop that do so too. */
class Stage {
  readonly batches: string[][] = []
  readonly #writes: PromiseWithResolvers<readonly string[]>[] = []
  readonly #turns: (() => void)[] = []
  readonly group: GroupCommit<string, string>

  constructor(options: Partial<GroupCommitOptions<string, string>> = {}) {
    this.group = new GroupCommit({
      write: (items) => {
        this.batches.push([...items])
        const write = Promise.withResolvers<readonly string[]>()
        this.#writes.push(write)
        return write.promise
      },
      afterTurn: (action) => this.#turns.push(action),
      ...options,
    })
  }

  /** Ends the turn: what was waiting for that runs. */
  async turn(): Promise<void> {
    for (const action of this.#turns.splice(0)) action()
    await settle()
  }

  /** Ends the write that runs, with these answers or else one for each item. */
  async written(answers?: string[]): Promise<void> {
    this.#writes.shift()?.resolve(answers ?? (this.batches.at(-1) ?? []).map((item) => `${item}!`))
    await settle()
  }

  async failed(error: Error): Promise<void> {
    this.#writes.shift()?.reject(error)
    await settle()
  }
}

/** Lets all promises that can go on do so. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

describe('a group commit', () => {
  it('writes what comes within one turn together, and answers each item', async () => {
    const stage = new Stage()
    const answers = Promise.all(['a', 'b', 'c'].map((item) => stage.group.add(item)))
    expect(stage.batches).toEqual([])
    await stage.turn()
    expect(stage.batches).toEqual([['a', 'b', 'c']])
    await stage.written()
    expect(await answers).toEqual(['a!', 'b!', 'c!'])
  })

  it('collects what comes while a write runs, and never writes twice at once', async () => {
    const stage = new Stage()
    const answers = [stage.group.add('a')]
    await stage.turn()
    answers.push(stage.group.add('b'))
    await stage.turn()
    answers.push(stage.group.add('c'))
    await stage.turn()
    expect(stage.batches).toEqual([['a']])
    await stage.written()
    answers.push(stage.group.add('d'))
    await stage.turn()
    expect(stage.batches).toEqual([['a'], ['b', 'c', 'd']])
    await stage.written()
    expect(await Promise.all(answers)).toEqual(['a!', 'b!', 'c!', 'd!'])
  })

  it('writes no more than so many items at once, in the order they came', async () => {
    const stage = new Stage({ maxItems: 2 })
    const answers = Promise.all(['a', 'b', 'c', 'd', 'e'].map((item) => stage.group.add(item)))
    for (let batch = 0; batch < 3; batch += 1) {
      await stage.turn()
      await stage.written()
    }
    expect(stage.batches).toEqual([['a', 'b'], ['c', 'd'], ['e']])
    expect(await answers).toHaveLength(5)
  })

  it('writes 256 items at once unless told', async () => {
    const stage = new Stage()
    for (let item = 0; item < 300; item += 1) void stage.group.add(`${item}`)
    await stage.turn()
    await stage.written()
    await stage.turn()
    expect(stage.batches.map(({ length }) => length)).toEqual([256, 44])
  })

  it('keeps a batch below a weight, but for a single item that is heavier', async () => {
    const stage = new Stage({ weigh: (item) => item.length, maxWeight: 4 })
    for (const item of ['aa', 'bb', 'c', 'dddddd', 'e']) void stage.group.add(item)
    for (let batch = 0; batch < 4; batch += 1) {
      await stage.turn()
      await stage.written()
    }
    expect(stage.batches).toEqual([['aa', 'bb'], ['c'], ['dddddd'], ['e']])
  })

  it('rejects each item of a batch that fails, and goes on with the next', async () => {
    const stage = new Stage()
    const failing = Promise.allSettled(['a', 'b'].map((item) => stage.group.add(item)))
    await stage.turn()
    const next = stage.group.add('c')
    const error = new Error('The disk is full')
    await stage.failed(error)
    expect(await failing).toEqual([
      { status: 'rejected', reason: error },
      { status: 'rejected', reason: error },
    ])
    await stage.turn()
    await stage.written()
    expect(await next).toBe('c!')
  })

  it('rejects a batch whose writer throws at once, or forgets an item', async () => {
    const error = new Error('thrown')
    const throwing = new Stage({
      write: () => {
        throw error
      },
    })
    const thrown = Promise.allSettled([throwing.group.add('a')])
    await throwing.turn()
    expect(await thrown).toEqual([{ status: 'rejected', reason: error }])
    await throwing.group.settled()

    const forgetful = new Stage()
    const forgotten = Promise.allSettled([forgetful.group.add('a'), forgetful.group.add('b')])
    await forgetful.turn()
    await forgetful.written(['a!'])
    expect(await forgotten).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }])
  })

  it('is settled when nothing waits and nothing is being written', async () => {
    const stage = new Stage({ maxItems: 1 })
    await stage.group.settled()
    void stage.group.add('a')
    void stage.group.add('b')
    let settled = false
    const settling = stage.group.settled().then(() => {
      settled = true
    })
    for (let batch = 0; batch < 2; batch += 1) {
      await stage.turn()
      expect(settled).toBe(false)
      await stage.written()
    }
    await settling
  })

  it('writes what it took before it was closed, and takes no more', async () => {
    const stage = new Stage()
    const taken = stage.group.add('a')
    const closing = Promise.all([stage.group.close(), stage.group.close()])
    await expect(stage.group.add('b')).rejects.toMatchObject({ code: 'server_shutting_down' })
    await stage.turn()
    await stage.written()
    await closing
    expect(await taken).toBe('a!')
    expect(stage.batches).toEqual([['a']])
  })

  it('waits for the turn of the event loop unless told how', async () => {
    const batches: number[] = []
    const group = new GroupCommit<number, number>({
      write: async (items) => {
        batches.push(items.length)
        return items
      },
    })
    await Promise.all([1, 2, 3].map((item) => group.add(item)))
    expect(batches).toEqual([3])
  })
})
