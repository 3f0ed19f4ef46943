import { catalogueToolChecks } from './checks/catalogue-tools.ts'
import { ownRouteChecks } from './checks/own-routes.ts'
import { ShopUnderTest } from './checks/shop-under-test.ts'
import { staffToolChecks } from './checks/staff-tools.ts'

/* `pnpm run check`: opens the shop on a free port, tries every route, and exits 0 when all of them hold. */

const shop = new ShopUnderTest()
await shop.open()
let failed = 0
const checks = [...ownRouteChecks(shop), ...catalogueToolChecks(shop), ...staffToolChecks(shop)]
for (const [title, run] of checks) {
  try {
    await run()
    process.stdout.write(`ok    ${title}\n`)
  } catch (error) {
    failed += 1
    process.stdout.write(`FAIL  ${title}\n      ${String((error as Error).message).replaceAll('\n', '\n      ')}\n`)
  }
}
await shop.close()
process.stdout.write(`\n${checks.length - failed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1
