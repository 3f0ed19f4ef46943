import { metadataChecks } from './checks/metadata.ts'
import { ownRouteChecks } from './checks/own-routes.ts'
import { ServiceUnderTest } from './checks/service-under-test.ts'
import { toolChecks } from './checks/tools.ts'

/* `pnpm run check`: opens the service on a free port, tries every route, and exits 0 when all of them hold. */

const service = new ServiceUnderTest()
await service.open()
let failed = 0
const checks = [...ownRouteChecks(service), ...metadataChecks(service), ...toolChecks(service)]
for (const [title, run] of checks) {
  try {
    await run()
    process.stdout.write(`ok    ${title}\n`)
  } catch (error) {
    failed += 1
    process.stdout.write(`FAIL  ${title}\n      ${String((error as Error).message).replaceAll('\n', '\n      ')}\n`)
  }
}
await service.throwAway()
process.stdout.write(`\n${checks.length - failed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1
