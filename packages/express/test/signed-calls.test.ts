import { Toolkit } from '@atp/core'
import { signCall } from '@atp/testing'
import express, { type RequestHandler } from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import { atpRouter } from '../src/index.ts'
import { serve } from './serve.ts'

const key = 'atp_toolkit_express'
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** Calls a tool behind a parser as a server would. */
async function callBehind(...parsers: RequestHandler[]): Promise<{ status: number; json: unknown }> {
  const toolkit = new Toolkit({ appName: 'shop', apiKey: key })
  toolkit.registerTool({ name: 'echo', description: '' }, (args) => args)
  const app = express()
  for (const parser of parsers) app.use(parser)
  const { url, close } = await serve(app.use(atpRouter(toolkit)))
  closing.push(close)
  const { headers, text: body } = signCall({ key, toolkit: 'shop', tool: 'echo', params: { a: 'ü' } })
  const response = await fetch(`${url}/atp/shop/echo`, { method: 'POST', headers, body })
  return { status: response.status, json: await response.json() }
}

const ran = { status: 200, json: { result: { a: 'ü' } } }

describe('a call that a server signed', () => {
  it('runs with and without the usual parsers, which leave it unread', async () => {
    expect(await callBehind()).toEqual(ran)
    expect(await callBehind(express.json(), express.urlencoded({ extended: true }), express.text())).toEqual(ran)
  })

  it('runs behind parsers that keep bytes or texts', async () => {
    expect(await callBehind(express.raw({ type: '*/*' }))).toEqual(ran)
    expect(await callBehind(express.text({ type: '*/*' }))).toEqual(ran)
  })

  it('is refused behind a parser that takes every JSON, with what to do about it', async () => {
    for (const type of ['*/*', 'application/*+json']) {
      expect(await callBehind(express.json({ type }))).toMatchObject({
        status: 415,
        json: { error: expect.stringMatching(/leave application\/vnd\.atp\.call\+json unread/) },
      })
    }
  })
})
