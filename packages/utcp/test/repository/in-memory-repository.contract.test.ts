import { InMemToolRepository } from '../../src/index.ts'
import { describeToolRepository } from '../contracts/index.ts'

describeToolRepository('in memory', async () => new InMemToolRepository())
