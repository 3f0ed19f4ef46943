import { AtpError } from '@atp/core'
import { expect, it, vi } from 'vitest'
import type { DeliveryKind } from '../../src/calls/call.ts'
import { DeliveryChain } from '../../src/delivery/delivery-chain.ts'
import { makeCall } from '../support/make-call.ts'

const offline = new AtpError('toolkit_offline', 'offline')
const busy = new AtpError('busy', 'busy')

const delivery = (kind: DeliveryKind, refusal?: AtpError) => ({
  kind,
  refusal: () => refusal,
  dispatch: vi.fn(() => refusal),
  cancel: vi.fn(),
})

it('gives a call to the first delivery that serves its toolkit', () => {
  const [socket, endpoint, inbox] = [delivery('socket', offline), delivery('endpoint'), delivery('inbox')]
  const chain = new DeliveryChain([socket, endpoint, inbox])
  const { call } = makeCall()
  expect(chain.choose(call)).toBe('endpoint')
  expect(chain.dispatch(call)).toBeUndefined()
  expect(call.delivery).toBe('endpoint')
  expect(inbox.dispatch).not.toHaveBeenCalled()
  chain.cancel(call, 'why')
  expect(endpoint.cancel).toHaveBeenCalledWith(call, 'why')
  expect(socket.cancel).not.toHaveBeenCalled()
})

it('does not pass a call on from one that is busy: a toolkit that is reached in two ways might run it twice', () => {
  const inbox = delivery('inbox')
  const chain = new DeliveryChain([delivery('socket', offline), delivery('endpoint', busy), inbox])
  const { call } = makeCall()
  expect(chain.choose(call)).toBe(busy)
  expect(chain.dispatch(call)).toBe(busy)
  expect(inbox.dispatch).not.toHaveBeenCalled()
})

it('says that a toolkit is offline in the words of the first delivery, when it is for all', () => {
  const chain = new DeliveryChain([
    delivery('socket', offline),
    delivery('inbox', new AtpError('toolkit_offline', 'nobody polls')),
  ])
  expect(chain.choose(makeCall().call)).toBe(offline)
})

it('hands over by the way that was decided before, also past a better one', () => {
  const [socket, inbox] = [delivery('socket'), delivery('inbox')]
  const chain = new DeliveryChain([socket, inbox])
  const { call } = makeCall()
  expect(chain.dispatchBy('inbox', call)).toBeUndefined()
  expect(call.delivery).toBe('inbox')
  expect(socket.dispatch).not.toHaveBeenCalled()
})
