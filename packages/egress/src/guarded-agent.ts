import { Agent } from 'undici'
import { type EgressPolicy, openingOf } from './egress-policy.ts'
import { openSocket, type SocketOptions } from './open-socket.ts'
import { shownUrl, targetOf } from './outgoing-request.ts'

/** Keeps connections for requests; every one of them is made by {@link openSocket}, under this policy. */
export function createGuardedAgent(policy: EgressPolicy, options: SocketOptions): Agent {
  return new Agent({
    connect({ protocol, hostname, host, port }, callback) {
      const shown = shownUrl({ protocol, host: host ?? hostname })
      const target = targetOf({ protocol, hostname, port })
      openSocket(target, openingOf(target, policy, shown), shown, options, (error, socket) => {
        if (socket === null) callback(error as Error, null)
        else callback(null, socket)
      })
    },
    // One protocol less to defend against; nothing here profits from the other.
    allowH2: false,
    // Each call has a limit of its own, which covers all of it.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
}
