import { describe, expect, it } from 'vitest'
import { checkCall } from '../../src/dispatch/check-call.ts'
import type { ToolDescriptor } from '../../src/protocol/tool-descriptor.ts'

const tool: ToolDescriptor = {
  name: 'create_company',
  description: '',
  inputSchema: { type: 'object', properties: { a: {}, b: {}, c: {} }, required: ['a', 'b'] },
  auth: { provider: 'hubspot', type: 'OAuth2', with: 'access_token' },
  annotations: {},
  tags: [],
}

describe('checkCall', () => {
  it('passes a call that has what the description asks for', () => {
    expect(() => checkCall(tool, { a: 1, b: undefined }, 'token')).not.toThrow()
    expect(() => checkCall({ ...tool, auth: null, inputSchema: { type: 'object' } }, {}, undefined)).not.toThrow()
  })

  it('names all missing parameters in the founding words', () => {
    expect(() => checkCall(tool, { c: 1 }, 'token')).toThrow(
      expect.objectContaining({ code: 'missing_params', message: 'Missing required parameters: a, b' }),
    )
  })

  it('says in the founding words that the token is missing', () => {
    expect(() => checkCall(tool, { a: 1, b: 2 }, undefined)).toThrow(
      expect.objectContaining({
        code: 'missing_token',
        message: "Function 'create_company' requires 'auth_token', but none was provided.",
      }),
    )
  })
})
