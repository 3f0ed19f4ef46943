import { describeRoutes, describeUtcpInterop } from '@atp/testing'
import { startExpressHost } from './express-host.ts'

describeRoutes('express', startExpressHost)
describeUtcpInterop('express', startExpressHost)
