import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Fault, LeftOut, sized } from '../fault.ts'
import { ledgerNow } from '../ledger/ledger.ts'
import { Scene } from '../scene/scene.ts'

/** How far the clock is set, in seconds: more than any lease, deadline or heartbeat. */
const shiftSeconds = 600

/** The server's clock is set forward and back under calls of both kinds; its monotonic clock runs on, as it does then. */
export const clockSet: Fault = {
  name: 'clock-set',
  summary: 'the clock of the server is set by +10 and -10 minutes under live and stored calls',
  async run(context) {
    const holdMs = sized(context, { smoke: 1_500, quick: 4_000, full: 30_000 })
    const library = findLibrary()
    const folder = mkdtempSync(join(tmpdir(), 'atp-clock-'))
    const file = join(folder, 'offset')
    const set = (seconds: number): void => {
      // By renaming: the library must never read half a line.
      writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}s\n`)
      renameSync(`${file}.new`, file)
    }
    set(0)
    const env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }
    try {
      await using scene = await Scene.start(context, { env })
      await scene.toolkit({ name: 'toolkit' })
      // Busy, so that calls wait in its inbox whenever the clock is set.
      await scene.toolkit({ name: 'polling', appName: 'polling', protocol: 'http', maxConcurrency: 2 })
      const callers = [
        await scene.caller({
          name: 'live',
          kinds: [
            { tool: 'work', how: 'live' },
            { tool: 'fail', how: 'live' },
          ],
          pace: { perSecond: 50 },
        }),
        await scene.caller({
          name: 'stored',
          kinds: [
            { tool: 'work', how: 'keyed' },
            { tool: 'work', how: 'detached', toolkitId: 'polling' },
          ],
          pace: { concurrency: 8 },
          workMs: 300,
        }),
      ]
      const shifts = [shiftSeconds, 0, -shiftSeconds, 0]
      for (const shift of shifts) {
        await Promise.all(callers.map((caller) => caller.succeeds(20)))
        const at = ledgerNow()
        set(shift)
        const seen = ((await scene.server.ask<number>('clock')) - Date.now()) / 1_000
        if (Math.abs(seen - shift) > 30) throw new Error(`The server's clock is off by ${seen} s instead of ${shift} s`)
        await sleep(holdMs)
        await Promise.all(callers.map((caller) => caller.succeeds(10)))
        // Nothing is excused: what counts time here must not look at the clock.
        scene.fault('clock set', [], { at, until: at, recoverFrom: at })
        context.progress(`clock at ${shift} s, ${callers[0]?.progress.succeeded} live calls succeeded`)
      }
      await Promise.all(callers.map((caller) => caller.stop()))
      return await scene.judge(shifts.length, [`each time for ${holdMs / 1_000} s`])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

/** @throws LeftOut where the library is not installed */
function findLibrary(): string {
  const name = 'libfaketimeMT.so.1'
  for (const root of ['/usr/lib', '/usr/local/lib', '/lib']) {
    const folders = existsSync(root) ? [root, ...readdirSync(root).map((each) => join(root, each))] : []
    for (const folder of folders) {
      const found = [join(folder, 'faketime', name), join(folder, name)].find(existsSync)
      if (found !== undefined) return found
    }
  }
  throw new LeftOut('libfaketime is not installed (`apt-get install faketime`)')
}
