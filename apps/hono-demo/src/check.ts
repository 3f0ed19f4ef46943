import { checks } from './check/checks.ts'
import { Client } from './check/client.ts'
import type { Host } from './check/host.ts'
import { startNode } from './check/node-host.ts'
import { startWorkerd } from './check/workerd-host.ts'

let passed = 0
let failed = 0

for (const start of [startNode, startWorkerd]) {
  const host = await start()
  try {
    for (const check of checks) await run(host, ...check)
  } finally {
    await host.close()
  }
}
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1

async function run(host: Host, sentence: string, check: (client: Client) => Promise<void>): Promise<void> {
  try {
    await check(new Client(host.url))
    passed += 1
    process.stdout.write(`ok      ${host.name.padEnd(7)} ${sentence}\n`)
  } catch (error) {
    failed += 1
    process.stdout.write(`FAILED  ${host.name.padEnd(7)} ${sentence}\n${(error as Error).message}\n`)
  }
}
