import { describeLegacyWire } from '@atp/testing/legacy'
import { describePostgres, emptySchema } from '../support/postgres.ts'
import { startLegacyHub } from './legacy-hub.ts'

describePostgres('with PostgreSQL', () => {
  describeLegacyWire('PostgreSQL', (options) => startLegacyHub(options, { databaseUrl: emptySchema() }))
})
