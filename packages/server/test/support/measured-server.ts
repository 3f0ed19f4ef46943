import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { DevKeys, ServerLimits } from '../../src/index.ts'
import { startChild } from './child.ts'

/** A development server in a process of its own, whose memory can be measured. */
export interface MeasuredServer extends AsyncDisposable {
  url: string
  keys: DevKeys
  /** The most that the server held more than before while `work` ran, in bytes after a collection. */
  cost(work: () => Promise<void>): Promise<number>
}

/** Starts one on a folder of its own. */
export async function startMeasuredServer(limits: Partial<ServerLimits> = {}): Promise<MeasuredServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'atp-test-'))
  const child = startChild('measured-server', [dataDir, JSON.stringify(limits)])
  const url = await child.line(/^http/)
  const keys = JSON.parse(await readFile(join(dataDir, 'dev-keys.json'), 'utf8')) as DevKeys
  let measured = 0
  const memory = async (): Promise<number> => {
    measured += 1
    child.process.kill('SIGUSR2')
    const line = await child.line(new RegExp(`^memory ${measured} `))
    return Number(line.split(' ')[2])
  }
  return {
    url,
    keys,
    async cost(work) {
      // Buffers are let go of some time after the collection that found them unused.
      let before = await memory()
      for (let i = 0; i < 4; i += 1) {
        await wait(50)
        before = Math.min(before, await memory())
      }
      let most = 0
      let over = false
      const working = work().finally(() => {
        over = true
      })
      while (!over) {
        most = Math.max(most, (await memory()) - before)
        await Promise.race([working.catch(() => {}), wait(50)])
      }
      await working
      most = Math.max(most, (await memory()) - before)
      return most
    },
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
