import { Socket } from 'node:net'
import process from 'node:process'

/**
 * From now on no code in this process opens a TCP, TLS or local connection, by whatever module of Node or package: each
 * attempt fails. UDP and processes that it starts stay as they are: this keeps accidents from happening, not attacks.
 * A toolkit that starts itself, loaded on a build machine with the keys of production, would be given real calls.
 */
export function forbidConnecting(): void {
  Socket.prototype.connect = function refuse(this: Socket) {
    process.nextTick(() => this.destroy(new Error('atp lint loads modules without network')))
    return this
  }
}
