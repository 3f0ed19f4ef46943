import { availableParallelism } from 'node:os'
import { describe, expect, it } from 'vitest'
import { describeMachine } from '../../src/report/describe-machine.ts'

describe('describeMachine', () => {
  it('names the cores, the Node version, the load and the version of each package that is measured', () => {
    const text = describeMachine(0.5)
    expect(text).toContain(`${availableParallelism()} cores`)
    expect(text).toContain(`Node ${process.version}, load before 0.5`)
    expect(text).toMatch(/@atp\/server \d+\.\d+\.\d+.* ws \d+\.\d+\.\d+.*@modelcontextprotocol\/server 2\.\d+\.\d+/)
    expect(text).toMatch(
      / express 5\.\d+.* fastify 5\.\d+.* hono 4\.\d+.* @hono\/node-server 2\.\d+.* @nestjs\/core 12\.\d+/,
    )
    expect(text).not.toContain('not found')
  })
})
