import { ConverterUnderTest } from './checks/converter-under-test.ts'
import { ownRouteChecks } from './checks/own-routes.ts'
import { toolChecks } from './checks/tools.ts'

/* `pnpm run check`: starts the converter on a free port, tries every route, and exits 0 when all of them hold. */

const converter = new ConverterUnderTest()
await converter.open()
const checks = [...ownRouteChecks(converter), ...toolChecks(converter)]
let failed = 0
for (const [title, run] of checks) {
  try {
    await run()
    process.stdout.write(`ok    ${title}\n`)
  } catch (error) {
    failed += 1
    process.stdout.write(`FAIL  ${title}\n      ${String((error as Error).message).replaceAll('\n', '\n      ')}\n`)
  }
}
await converter.close()
process.stdout.write(`\n${checks.length - failed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1
