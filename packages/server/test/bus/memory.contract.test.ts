import { silentLogger } from '@atp/core'
import { createMemoryBus } from '../../src/bus/memory.ts'
import { describeMessageBus } from './describe-message-bus.ts'

describeMessageBus('memory', async () => createMemoryBus(silentLogger))
