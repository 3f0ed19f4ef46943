import { expect, it } from 'vitest'
import { serverPackage } from '../../src/load/server-package.ts'

it('loads a package in the copy that the server works with, and says so when there is none', () => {
  expect(serverPackage('pg')).toHaveProperty('Client')
  expect(serverPackage('@atp/egress', 'undici')).toHaveProperty('Pool')
  expect(() => serverPackage('no-such-package')).toThrow('no-such-package')
})
