import { closeCodes } from '@atp/core/protocol'
import type { PeerSocket } from './peer-socket.ts'

/** The newest socket of each process: of two sockets of one process, the older one is a connection that was cut (rule X8). */
export class ToolkitInstances {
  readonly #newest = new Map<string, { socket: PeerSocket; retire: () => void }>()

  /**
   * A process connected: its older socket is retired and closed.
   * @param name names the process; undefined for one that cannot be told from others
   * @param retire takes the socket's calls away from it, before its close arrives
   */
  add(name: string | undefined, socket: PeerSocket, retire: () => void): void {
    if (name === undefined) return
    const older = this.#newest.get(name)
    this.#newest.set(name, { socket, retire })
    socket.onClose(() => {
      if (this.#newest.get(name)?.socket === socket) this.#newest.delete(name)
    })
    if (!older) return
    older.retire()
    older.socket.close(closeCodes.conflict, 'superseded by a newer connection of the same process')
  }
}
