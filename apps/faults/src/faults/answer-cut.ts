import { startFaultyProxy } from '@atp/testing/faults'
import { type Fault, sized } from '../fault.ts'
import { ledgerNow } from '../ledger/ledger.ts'
import { Scene } from '../scene/scene.ts'

/** How long a toolkit's answer travels, so that there is a time in which it has left and not arrived. */
const travelMs = 60

/** The connection of a toolkit is cut after its tool has ended and before the server has heard of it. */
export const toolkitAnswerCut: Fault = {
  name: 'answer-cut-at-toolkit',
  summary: "a toolkit's connection is cut between its answer and the arrival",
  async run(context) {
    const cuts = sized(context, { smoke: 3, quick: 10, full: 40 })
    await using scene = await Scene.start(context)
    const { hostname, port } = new URL(scene.info.url)
    await using proxy = await startFaultyProxy({ target: { host: hostname, port: Number(port) } })
    const baseUrl = `http://${proxy.host}:${proxy.port}`
    const toolkit = await scene.toolkit({ name: 'toolkit', baseUrl })
    const caller = await scene.caller({
      name: 'caller',
      kinds: [
        { tool: 'work', how: 'live' },
        { tool: 'work_again', how: 'live' },
        { tool: 'work', how: 'keyed' },
        { tool: 'work', how: 'detached' },
      ],
      pace: { concurrency: 8 },
      workMs: 30,
    })
    for (let cut = 1; cut <= cuts; cut += 1) {
      await caller.succeeds(5 + Math.round(Math.random() * 10))
      proxy.delay(travelMs)
      const { connections } = toolkit
      await new Promise<void>((resolve) => {
        const stop = toolkit.on('finished', () => {
          stop()
          resolve()
        })
      })
      const at = ledgerNow()
      proxy.cut()
      proxy.delay(0)
      await toolkit.connected(connections + 1)
      await caller.succeeds(1)
      scene.fault('cut at the toolkit', ['outcome_unknown', 'not_run'], { at, until: ledgerNow(), recoverFrom: at })
      context.progress(`cut ${cut} of ${cuts}, ${caller.progress.succeeded} calls succeeded`)
    }
    await caller.stop()
    return await scene.judge(cuts)
  },
}

/** The connection of a caller is cut when the server has sent an answer. */
export const callerAnswerCut: Fault = {
  name: 'answer-cut-at-caller',
  summary: "a caller's connection is cut between the server's answer and the arrival",
  async run(context) {
    const cuts = sized(context, { smoke: 3, quick: 10, full: 40 })
    await using scene = await Scene.start(context)
    const { hostname, port } = new URL(scene.info.url)
    await using proxy = await startFaultyProxy({ target: { host: hostname, port: Number(port) } })
    await scene.toolkit({ name: 'toolkit' })
    const baseUrl = `http://${proxy.host}:${proxy.port}`
    const caller = await scene.caller({
      name: 'caller',
      baseUrl,
      kinds: [
        { tool: 'work', how: 'live' },
        { tool: 'work_again', how: 'live' },
        { tool: 'work', how: 'keyed' },
        { tool: 'work', how: 'detached' },
      ],
      pace: { concurrency: 8 },
      workMs: 30,
    })
    for (let cut = 1; cut <= cuts; cut += 1) {
      await caller.succeeds(5 + Math.round(Math.random() * 10))
      const at = await new Promise<number>((resolve) => {
        proxy.onBytes = (direction, chunk) => {
          // Frames of a server are not masked.
          if (direction === 'to-target' || !chunk.includes('"type":"result"')) return 'pass'
          proxy.onBytes = undefined
          resolve(ledgerNow())
          return cut % 2 === 0 ? 'reset' : 'cut'
        }
      })
      await caller.succeeds(1)
      scene.fault('cut at the caller', ['lost_connection', 'not_run'], { at, until: ledgerNow(), recoverFrom: at })
      context.progress(`cut ${cut} of ${cuts}, ${caller.progress.succeeded} calls succeeded`)
    }
    await caller.stop()
    return await scene.judge(cuts)
  },
}
