import { randomBytes } from 'node:crypto'
import { serve } from '@hono/node-server'
import { app, type Bindings } from './app.ts'
import { MemoryKeyValue } from './key-value.ts'

const { PORT = '8787', EDITOR_KEY = randomBytes(16).toString('hex'), PUBLIC_URL, BLOCKED_HOSTS } = process.env

const bindings: Bindings = {
  LINKS: new MemoryKeyValue(),
  EDITOR_KEY,
  ...(PUBLIC_URL === undefined ? {} : { PUBLIC_URL }),
  ...(BLOCKED_HOSTS === undefined ? {} : { BLOCKED_HOSTS }),
}

serve({ fetch: (request) => app.fetch(request, bindings), port: Number(PORT), hostname: '127.0.0.1' }, ({ port }) => {
  process.stdout.write(`Link shortener on http://127.0.0.1:${port}\n`)
  if (process.env.EDITOR_KEY === undefined) process.stdout.write(`EDITOR_KEY=${EDITOR_KEY}\n`)
})
