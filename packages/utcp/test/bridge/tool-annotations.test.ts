import { describe, expect, it } from 'vitest'
import { annotationsOf } from '../../src/bridge/tool-annotations.ts'
import type { Tool } from '../../src/index.ts'
import { toolOf } from '../support/fake-protocol.ts'

const of = (template: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  annotationsOf(toolOf('t', { tool_call_template: template, ...more }) as unknown as Tool)

describe('what running a bridged tool does', () => {
  it.each([
    [{ call_template_type: 'http' }, { readOnly: true, idempotent: true }],
    [{ call_template_type: 'http', http_method: 'POST' }, { readOnly: false }],
    [{ call_template_type: 'http', http_method: 'PATCH' }, { readOnly: false }],
    [
      { call_template_type: 'http', http_method: 'PUT' },
      { readOnly: false, idempotent: true },
    ],
    [
      { call_template_type: 'http', http_method: 'DELETE' },
      { readOnly: false, destructive: true, idempotent: true },
    ],
    [{ call_template_type: 'streamable_http', http_method: 'POST' }, { readOnly: false }],
    [{ call_template_type: 'sse' }, { readOnly: true, idempotent: true }],
    [{ call_template_type: 'sse', body_field: 'body' }, {}],
    [{ call_template_type: 'file' }, { readOnly: true, idempotent: true }],
    [{ call_template_type: 'graphql' }, { readOnly: true, idempotent: true }],
    [{ call_template_type: 'graphql', operation_type: 'mutation' }, {}],
    [{ call_template_type: 'cli' }, {}],
  ])('by %j is %j', (template, expected) => {
    expect(of(template)).toEqual(expected)
  })

  it('is what the tool says itself, in the words of ATP or MCP', () => {
    const template = { call_template_type: 'http' }
    expect(of(template, { annotations: { readOnlyHint: false, destructiveHint: true, title: 'T' } })).toEqual({
      ...{ readOnly: false, destructive: true, idempotent: true, title: 'T' },
    })
    expect(of(template, { annotations: { read_only: false, idempotent: false } })).toEqual({
      ...{ readOnly: false, idempotent: false },
    })
    expect(of(template, { annotations: { readOnly: 'yes', title: 7 } })).toEqual({ readOnly: true, idempotent: true })
  })
})
