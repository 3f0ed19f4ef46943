import { silentLogger } from '@atp/core'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type CallContext,
  type CallTemplate,
  type CommunicationProtocol,
  type DiscoveryContext,
  readManual,
  type Tool,
  type ToolArguments,
  type UtcpCaller,
} from '../../src/index.ts'

/** A protocol, and something it can reach. */
export interface ProtocolFixture {
  readonly protocol: CommunicationProtocol
  readonly rootDir?: string
  /** Discovers at least one tool. */
  readonly manual: CallTemplate
  /** Fails to be discovered. */
  readonly brokenManual: CallTemplate
  /** A call that works, and its result. */
  readonly call: { readonly template: CallTemplate; readonly args: ToolArguments; readonly result: unknown }
  /** A call that fails with an error. Left out where no call can fail. */
  readonly failingCall?: { readonly template: CallTemplate; readonly args: ToolArguments }
  /** A call that does not end by itself. Left out where every call ends at once. */
  readonly hangingCall?: { readonly template: CallTemplate; readonly args: ToolArguments }
  /** Ends what the fixture opened. */
  readonly end?: () => PromiseLike<void> | void
}

const maxResponseBytes = 1_048_576

/** The contract of {@link CommunicationProtocol}: each of its sentences as a test. */
export function describeCommunicationProtocol(name: string, open: () => Promise<ProtocolFixture>): void {
  describe(`the communication protocol ${name}`, () => {
    const opened: ProtocolFixture[] = []
    const start = async (): Promise<ProtocolFixture> => {
      const fixture = await open()
      opened.push(fixture)
      return fixture
    }

    afterEach(async () => {
      for (const { protocol, end } of opened.splice(0)) {
        await protocol.close()
        await end?.()
      }
    })

    it('names the types it serves, among them those of its templates', async () => {
      const { protocol, manual, call } = await start()
      expect(protocol.callTemplateTypes).toContain(manual.call_template_type)
      expect(protocol.callTemplateTypes).toContain(call.template.call_template_type)
    })

    it('discovers a manual that can be read, again and again', async () => {
      const { protocol, manual, rootDir } = await start()
      for (let round = 0; round < 2; round += 1) {
        const found = await protocol.registerManual(caller(rootDir), manual, discovery(manual))
        expect(readManual(found.manual).manual.tools.length).toBeGreaterThan(0)
      }
    })

    it('throws when there is no manual', async () => {
      const { protocol, brokenManual, rootDir } = await start()
      const asked = async () => protocol.registerManual(caller(rootDir), brokenManual, discovery(brokenManual))
      await expect(asked()).rejects.toThrow()
    })

    it('lets go of manuals it has and of manuals it never had', async () => {
      const { protocol, manual, rootDir } = await start()
      await protocol.deregisterManual(caller(rootDir), { ...manual, name: 'never_seen' })
      await protocol.registerManual(caller(rootDir), manual, discovery(manual))
      await protocol.deregisterManual(caller(rootDir), manual)
      await protocol.deregisterManual(caller(rootDir), manual)
    })

    it('calls a tool of a manual that was never registered with it', async () => {
      const { protocol, call, rootDir } = await start()
      const called = protocol.callTool(caller(rootDir), 'm.tool', call.args, call.template, context(call.template))
      expect(await called).toEqual(call.result)
    })

    it('runs many calls at a time', async () => {
      const { protocol, call, rootDir } = await start()
      const results = await Promise.all(
        Array.from({ length: 10 }, () =>
          protocol.callTool(caller(rootDir), 'm.tool', call.args, call.template, context(call.template)),
        ),
      )
      for (const result of results) expect(result).toEqual(call.result)
    })

    it('leaves arguments and template as they are', async () => {
      const { protocol, call, rootDir } = await start()
      const before = JSON.stringify([call.args, call.template])
      await protocol.callTool(caller(rootDir), 'm.tool', call.args, call.template, context(call.template))
      expect(JSON.stringify([call.args, call.template])).toBe(before)
    })

    it('streams at least one piece and ends', async () => {
      const { protocol, call, rootDir } = await start()
      const pieces: unknown[] = []
      const stream = protocol.callToolStreaming(
        ...([caller(rootDir), 'm.tool', call.args, call.template, context(call.template)] as const),
      )
      for await (const piece of stream) pieces.push(piece)
      expect(pieces.length).toBeGreaterThan(0)
    })

    it('lets a consumer leave a stream', async () => {
      const { protocol, call, rootDir } = await start()
      const stream = protocol.callToolStreaming(
        ...([caller(rootDir), 'm.tool', call.args, call.template, context(call.template)] as const),
      )
      for await (const _ of stream) break
      const again = protocol.callTool(caller(rootDir), 'm.tool', call.args, call.template, context(call.template))
      expect(await again).toEqual(call.result)
    })

    it('fails a call with an error', async () => {
      const { protocol, failingCall, rootDir } = await start()
      if (failingCall === undefined) return
      const { template, args } = failingCall
      const failed = async () => protocol.callTool(caller(rootDir), 'm.tool', args, template, context(template))
      await expect(failed()).rejects.toThrow()
    })

    it('stops a call when the signal aborts', async () => {
      const { protocol, hangingCall, rootDir } = await start()
      if (hangingCall === undefined) return
      const { template, args } = hangingCall
      const abort = new AbortController()
      const called = (async () =>
        protocol.callTool(caller(rootDir), 'm.tool', args, template, context(template, abort.signal)))()
      const failed = expect(called).rejects.toThrow()
      abort.abort(new Error('enough'))
      await failed
    })

    it('closes, and closes again', async () => {
      const { protocol, manual, rootDir } = await start()
      await protocol.registerManual(caller(rootDir), manual, discovery(manual))
      await protocol.close()
      await protocol.close()
    })
  })
}

function caller(rootDir: string | undefined): UtcpCaller {
  return { rootDir, logger: silentLogger }
}

function discovery(template: CallTemplate): DiscoveryContext {
  const { signal } = new AbortController()
  return { signal, timeoutMs: 30_000, maxResponseBytes, declaredTemplate: template, validators: undefined }
}

function context(template: CallTemplate, signal: AbortSignal = new AbortController().signal): CallContext {
  const tool: Tool = {
    name: 'm.tool',
    description: '',
    inputs: {},
    outputs: {},
    tags: [],
    tool_call_template: template,
  }
  return { signal, timeoutMs: 30_000, maxResponseBytes, tool, manualCallTemplate: { ...template, name: 'm' } }
}
