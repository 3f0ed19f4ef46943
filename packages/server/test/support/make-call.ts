import { vi } from 'vitest'
import { Call, type CallInit } from '../../src/calls/call.ts'

/** A call as the router makes it, with what a test wants different. */
export function makeCall(init: Partial<CallInit> = {}): { call: Call; onOutcome: ReturnType<typeof vi.fn> } {
  const onOutcome = vi.fn()
  const call = new Call({
    id: 'call-1',
    key: {
      id: 'key-1',
      projectId: 'project-1',
      kind: 'llm',
      name: '',
      toolkitId: null,
      createdAt: 0,
      expiresAt: null,
      revokedAt: null,
    },
    toolkit: {
      id: 'toolkit-1',
      projectId: 'project-1',
      appName: 'test',
      slug: 'test',
      caption: '',
      instructions: null,
      hash: null,
      publishedAt: null,
      createdAt: 0,
      updatedAt: 0,
      endpointUrl: null,
    },
    tool: {
      name: 'tool',
      description: '',
      inputSchema: { type: 'object' },
      auth: null,
      annotations: {},
      tags: [],
    },
    params: {},
    authToken: undefined,
    timeoutMs: 1_000,
    meta: undefined,
    app: undefined,
    requestChars: 0,
    load: { requestChars: 0 },
    onOutcome,
    ...init,
  })
  return { call, onOutcome }
}
