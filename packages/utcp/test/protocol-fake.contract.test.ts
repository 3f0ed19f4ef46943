import { describeCommunicationProtocol } from '@atp/utcp/contracts'
import { untilAborted } from '../src/execution/call-scope.ts'
import { FakeProtocol, manualOf, toolOf } from './support/fake-protocol.ts'

describeCommunicationProtocol('of the tests', async () => {
  const protocol = new FakeProtocol(({ broken }: { broken?: boolean }) => {
    if (broken) throw new Error('nothing there')
    return manualOf([toolOf('echo')])
  })
  protocol.answer = ({ args, context }) => {
    if (args.fail) throw new Error('no')
    return args.hang ? untilAborted(new Promise(() => {}), context.signal) : args
  }
  const template = { call_template_type: 'fake' }
  return {
    protocol,
    manual: { ...template, name: 'm' },
    brokenManual: { ...template, name: 'm', broken: true },
    call: { template, args: { a: 1 }, result: { a: 1 } },
    failingCall: { template, args: { fail: true } },
    hangingCall: { template, args: { hang: true } },
  }
})
