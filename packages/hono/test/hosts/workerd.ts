import { createContractHonoApp } from '../support/contract-hono-app.ts'

// A Worker's entry is the one place where a platform asks for a default export.
export default createContractHonoApp()
