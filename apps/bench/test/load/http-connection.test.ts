import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { HttpConnection, readAnswer } from '../../src/load/http-connection.ts'

const answer = 'HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 7\r\nX-Last: 1\r\n\r\n{"a":1}'

describe('readAnswer', () => {
  it('reads status and body', () => {
    expect(readAnswer(answer)).toEqual({ status: 200, body: '{"a":1}' })
    expect(readAnswer('HTTP/1.1 204 No Content\r\ncontent-length:0\r\n\r\n')).toEqual({ status: 204, body: '' })
  })

  it('waits for the rest, wherever an answer is cut', () => {
    for (let length = 0; length < answer.length; length++) {
      expect(readAnswer(answer.slice(0, length)), `${length} bytes`).toBeUndefined()
    }
  })

  it('refuses an answer without a length, even if its body looks like one', () => {
    const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
    expect(() => readAnswer(chunked)).toThrow('needs a length')
    expect(() => readAnswer(`${chunked}1\r\ncontent-length: 1\r\n\r\n`)).toThrow('needs a length')
  })

  it('refuses what is no answer, and what follows one', () => {
    expect(() => readAnswer(`nonsense ${answer}`)).toThrow('needs a length')
    expect(() => readAnswer(answer + answer)).toThrow('more than one answer')
  })
})

describe('HttpConnection', () => {
  const cleanUp: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of cleanUp.splice(0).reverse()) await close()
  })

  function connectTo(port: number): HttpConnection {
    const connection = new HttpConnection(port)
    cleanUp.push(() => connection.close())
    return connection
  }

  async function serveHttp(listener: RequestListener): Promise<number> {
    const server = createServer(listener).listen(0, '127.0.0.1')
    cleanUp.push(() => server.close())
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  /** Answers whatever comes by what `write` does with the socket. */
  async function serveTcp(write: (socket: Socket) => void): Promise<number> {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', () => write(socket))
    }).listen(0, '127.0.0.1')
    cleanUp.push(() => server.close())
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  const request = Buffer.from('GET /path HTTP/1.1\r\nhost: localhost\r\n\r\n')

  it('sends one request after the other over one connection', async () => {
    const ports = new Set<number | undefined>()
    const port = await serveHttp(({ url, socket }, response) => {
      ports.add(socket.remotePort)
      response.setHeader('content-length', 5).end(url)
    })
    const connection = connectTo(port)
    for (let count = 0; count < 3; count++) {
      expect(await connection.request(request)).toEqual({ status: 200, body: '/path' })
    }
    expect(ports.size).toBe(1)
  })

  it('puts an answer together that is larger than its buffer', async () => {
    const body = 'x'.repeat(100_000)
    const port = await serveHttp((_request, response) => response.setHeader('content-length', body.length).end(body))
    expect(await connectTo(port).request(request)).toEqual({ status: 200, body })
  })

  it('puts an answer together that comes in two pieces', async () => {
    const port = await serveTcp((socket) => {
      socket.write(answer.slice(0, 40), () => setImmediate(() => socket.write(answer.slice(40))))
    })
    expect(await connectTo(port).request(request)).toEqual({ status: 200, body: '{"a":1}' })
  })

  it('counts bytes, not characters', async () => {
    const port = await serveHttp((_request, response) => response.setHeader('content-length', 2).end('é'))
    const { body } = await connectTo(port).request(request)
    expect(Buffer.from(body, 'latin1').toString()).toBe('é')
  })

  it('takes one request at a time', async () => {
    const connection = connectTo(await serveHttp((_request, response) => response.setHeader('content-length', 0).end()))
    const first = connection.request(request)
    await expect(connection.request(request)).rejects.toThrow('waits for an answer already')
    expect((await first).status).toBe(200)
  })

  it('rejects when the server closes the connection, and from then on', async () => {
    const connection = connectTo(await serveTcp((socket) => void socket.end('HTTP/1.1 200 OK\r\n')))
    await expect(connection.request(request)).rejects.toThrow('The server closed the connection')
    await expect(connection.request(request)).rejects.toThrow('The server closed the connection')
  })

  it('rejects what it cannot read', async () => {
    const port = await serveTcp((socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\n'))
    await expect(connectTo(port).request(request)).rejects.toThrow('needs a length')
  })

  it('rejects where nobody listens', async () => {
    const server = createTcpServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    await expect(connectTo(port).request(request)).rejects.toThrow('ECONNREFUSED')
  })
})
