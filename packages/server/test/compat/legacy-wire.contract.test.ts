import { describeLegacyWire } from '@atp/testing/legacy'
import { startLegacyHub } from './legacy-hub.ts'

describeLegacyWire('SQLite', (options) => startLegacyHub(options))
