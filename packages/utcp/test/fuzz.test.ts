import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isUtcpError, parseText, readManual, UtcpClient, UtcpError } from '../src/index.ts'
import { anyConfig, anyManual, callTemplate } from './support/arbitraries.ts'
import { FakeProtocol } from './support/fake-protocol.ts'

const knownTypes = [
  'http',
  'sse',
  'streamable_http',
  'cli',
  'text',
  'file',
  'mcp',
  'tcp',
  'udp',
  'websocket',
  'graphql',
  'direct-call',
]

/** A refusal is one of ours and names the member, unless the whole document is what is wrong. */
function expectNamed(error: unknown, document: unknown): void {
  if (!isUtcpError(error)) throw error
  const isNothing = typeof document !== 'object' || document === null || Array.isArray(document)
  if (error.code === 'variable_not_found') expect(error).toHaveProperty('variableName')
  else if (isNothing) expect(error.message).toMatch(/must be an object|^Not valid (?:JSON|YAML)/)
  else {
    expect(error.path, error.message).toBeTruthy()
    expect(error.message).toContain(error.path)
  }
}

describe('whatever a manual is', () => {
  it('it is read, or refused with the name of the member; each tool left out has a reason (5,000)', () => {
    fc.assert(
      fc.property(anyManual, (value) => {
        try {
          const { manual, warnings } = readManual(value)
          const given = (value as { tools: unknown[] }).tools.length
          const leftOut = warnings.filter(({ message }) => message.startsWith('left out'))
          expect(manual.tools.length + leftOut.length).toBe(given)
          for (const { path, message } of leftOut) {
            expect(path).toMatch(/^tools\[\d+\]/)
            expect(message).toContain(path)
          }
          JSON.stringify(manual)
        } catch (error) {
          expectNamed(error, value)
        }
      }),
      { numRuns: 5_000 },
    )
  }, 120_000)
})

describe('whatever a configuration is', () => {
  it('a client is made and closed, or it is refused with the name of the member (5,000)', async () => {
    await fc.assert(
      fc.asyncProperty(anyConfig, anyManual, async (config, manual) => {
        const protocol = new FakeProtocol(manual, knownTypes)
        let made = 0
        const factory = () => {
          made += 1
          return protocol
        }
        try {
          const options = { protocols: [factory], environment: { A: 'a', B: 'b' } }
          const client = await UtcpClient.create(config as never, options)
          for (const { success, errors } of client.initialRegistrations) expect(errors.length > 0).toBe(!success)
          await client.searchTools('my tool')
          await client.close()
        } catch (error) {
          expectNamed(error, config)
        }
        expect(protocol.closed).toBe(made)
      }),
      { numRuns: 5_000 },
    )
  }, 120_000)

  it('its text is read, or refused with one of our errors', () => {
    const fragment = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"a"',
      ':',
      ',',
      '// c\n',
      '/* c */',
      '1',
      'null',
      '\n',
      '- ',
      'a: ',
      '&x ',
      '*x',
      '!!js/function ',
      '"__proto__"',
      '\ufeff',
      '%YAML 1.2\n',
      '---\n',
      '<<: ',
    )
    const text = fc.oneof(
      fc.array(fragment, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.string(),
    )
    fc.assert(
      fc.property(text, fc.constantFrom('json', 'yaml', undefined), (given, format) => {
        try {
          parseText(given, format)
        } catch (error) {
          expect(error).toBeInstanceOf(UtcpError)
        }
      }),
      { numRuns: 2_000 },
    )
  }, 60_000)
})

describe('whatever a call template is', () => {
  it('registering it is a result or one of our errors (1,000)', async () => {
    const client = await UtcpClient.create(
      {},
      { protocols: [new FakeProtocol(undefined, knownTypes)], environment: { A: '' } },
    )
    await fc.assert(
      fc.asyncProperty(callTemplate, async (template) => {
        try {
          const { success, manualCallTemplate } = await client.registerManual(template as never)
          if (success) expect(await client.deregisterManual(manualCallTemplate.name ?? '')).toBe(true)
        } catch (error) {
          expectNamed(error, template)
        }
      }),
      { numRuns: 1_000 },
    )
  }, 60_000)
})
