import type { FastifyInstance } from 'fastify'

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
    addJsonParser(scope, parse)
    addRoutes(scope)
    done()
  })
}

/**
 * Reads the JSON bodies of an app's routes.
 * @param parse reads the text of a body; throws AtpError what it is refused with. An empty body is undefined.
 */
export function addJsonParser(app: FastifyInstance, parse: (text: string) => unknown): void {
  // Called back, not promised: a body is parsed at once. What `parse` throws is caught by the framework.
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (_request, text, done) => {
    done(null, text.trim() === '' ? undefined : parse(text))
  })
}
