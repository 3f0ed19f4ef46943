import { AtpError } from '../../src/errors/atp-error.ts'
import { describeTransport } from './describe-transport.ts'
import { createMemoryServer } from './memory-transport.ts'

const deadUrl = 'memory://nobody'

describeTransport('memory', {
  sendsHeaders: true,
  seesPings: true,
  deadUrl,
  async start() {
    const server = createMemoryServer()
    return {
      server,
      connect: (options) => {
        const nobody = new AtpError('connection_failed', `Nobody listens at ${deadUrl}`)
        return options.url === deadUrl ? Promise.reject(nobody) : server.connect(options)
      },
    }
  },
})
