import type { FastifyInstance, FastifyRequest } from 'fastify'

/**
 * Adds routes whose JSON bodies are read in a way of their own, in a scope that leaves other routes alone.
 * @param parse reads the text of a body; throws AtpError what it is refused with. An empty body is undefined.
 */
export function addBodyScope(
  app: FastifyInstance,
  parse: (text: string) => unknown,
  addRoutes: (scope: FastifyInstance) => void,
): void {
  app.register((scope, _options, done) => {
    scope.removeContentTypeParser('application/json')
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'string' },
      async (_request: FastifyRequest, text: string) => (text.trim() === '' ? undefined : parse(text)),
    )
    addRoutes(scope)
    done()
  })
}
