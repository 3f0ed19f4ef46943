import type { HttpCallTemplate, ToolArguments } from '@atp/utcp'
import { describe, expect, it } from 'vitest'
import { applyAuth } from '../../src/auth/apply-auth.ts'
import { type BuiltRequest, buildRequest, type RequestTemplate } from '../../src/request/build-request.ts'

/** Builds as the protocol http does. */
function build(template: Partial<HttpCallTemplate>, args: ToolArguments = {}): BuiltRequest {
  const read: RequestTemplate = {
    ...{ url: 'https://api.example', method: 'GET', accept: '*/*', contentType: 'application/json', bodyField: 'body' },
    ...{ headers: template.headers, headerFields: template.header_fields, auth: template.auth },
    ...(template.url === undefined ? {} : { url: template.url }),
    ...(template.http_method === undefined ? {} : { method: template.http_method }),
    ...(template.content_type === undefined ? {} : { contentType: template.content_type }),
    ...(template.body_field === undefined ? {} : { bodyField: template.body_field }),
  }
  const request = buildRequest(read, args, {})
  if (template.auth !== undefined) applyAuth(request, template.auth)
  return request
}

const headersOf = (request: BuiltRequest): Record<string, string> => {
  const { Accept: _, ...headers } = request.headers.toRecord()
  return headers
}

describe('where an argument goes', () => {
  it('is the path, a header, the body, or else the query, whatever the method', () => {
    const template = { url: 'https://api.example/u/{id}', http_method: 'POST', header_fields: ['X-Trace'] } as const
    const request = build(template, { id: 'a b', 'X-Trace': 't', body: { x: 1 }, page: 2 })
    expect(request.url).toBe('https://api.example/u/a%20b?page=2')
    expect(headersOf(request)).toEqual({ 'X-Trace': 't', 'Content-Type': 'application/json' })
    expect(request.body).toBe('{"x":1}')
    expect(request.method).toBe('POST')
  })

  it('may be several places at once, and the query only when it is none', () => {
    const template = { url: 'https://api.example/{user_id}/of/{user_id}', header_fields: ['user_id'] }
    const request = build({ ...template, body_field: 'user_id' }, { user_id: 'u1' })
    expect(request.url).toBe('https://api.example/u1/of/u1')
    expect(headersOf(request).user_id).toBe('u1')
    expect(request.body).toBe('"u1"')
  })

  it('is read from own properties only', () => {
    expect(() => build({ url: 'https://api.example/{constructor}' }, {})).toThrow(/Missing required path parameter/)
    const request = build({ header_fields: ['constructor'], body_field: 'toString' }, {})
    expect(headersOf(request)).toEqual({})
    expect(request.body).toBeUndefined()
  })

  it('is nowhere when it is null, which is the same as absent', () => {
    const request = build({ header_fields: ['X-A'] }, { 'X-A': null, body: null, q: null, u: undefined })
    expect(request.url).toBe('https://api.example')
    expect(headersOf(request)).toEqual({})
    expect(request.body).toBeUndefined()
  })
})

describe('the query', () => {
  it('repeats lists, writes true and false as words, drops null, and objects are JSON', () => {
    const args = { ids: [1, null, 2], on: true, off: false, none: null, o: { x: 1 }, list: [], t: 'a&b' }
    expect(build({}, args).url).toBe('https://api.example?ids=1&ids=2&on=true&off=false&o=%7B%22x%22%3A1%7D&t=a%26b')
  })

  it('of the template stays as it is written, and its fragment does not come along', () => {
    expect(build({ url: 'https://api.example/p?sig=a%2Fb+c#top' }, { q: 1 }).url).toBe(
      'https://api.example/p?sig=a%2Fb+c&q=1',
    )
  })
})

describe('the body', () => {
  it.each([
    ['application/json', 'hello', '"hello"'],
    ['application/json', 5, '5'],
    ['application/vnd.api+json; charset=utf-8', { a: 1 }, '{"a":1}'],
    ['application/x-www-form-urlencoded', { a: [1, 2], b: 'x y', c: null }, 'a=1&a=2&b=x+y'],
    ['application/x-www-form-urlencoded', 'a=1', 'a=1'],
    ['text/plain', 'hello', 'hello'],
    ['application/xml', '<a/>', '<a/>'],
    ['application/octet-stream', { a: 1 }, '{"a":1}'],
  ])('of type %s is %j as %s', (contentType, body, expected) => {
    expect(build({ http_method: 'POST', content_type: contentType }, { body }).body).toBe(expected)
  })

  it('is sent as bytes when it is bytes', () => {
    const bytes = new Uint8Array([0, 1, 2, 3]).subarray(1, 3)
    expect(build({ http_method: 'POST' }, { body: bytes }).body).toEqual(new Uint8Array([1, 2]))
  })

  it('has the type that a header says, whatever its case', () => {
    const request = build({ http_method: 'POST', headers: { 'content-TYPE': 'text/plain' } }, { body: 'x' })
    expect(headersOf(request)).toEqual({ 'content-TYPE': 'text/plain' })
    expect(request.body).toBe('x')
  })

  it('that JSON does not have is refused by name', () => {
    const circle: Record<string, unknown> = {}
    circle.self = circle
    expect(() => build({ http_method: 'POST' }, { body: circle })).toThrow(/"body" cannot be written as JSON/)
  })
})

describe('headers', () => {
  it.each(['a\r\nX-Evil: 1', 'a\nb', 'a\rb', 'a\u0000b', 'snow \u2603'])('refuse the argument %j', (value) => {
    expect(() => build({ header_fields: ['X-A'] }, { 'X-A': value })).toThrow(
      expect.objectContaining({ code: 'invalid_arguments', path: 'X-A' }),
    )
  })

  it.each(['X A', 'X\r\nY', '', 'X:'])('refuse the name %j', (name) => {
    const wrong = expect.objectContaining({ code: 'invalid_call_template' })
    expect(() => build({ headers: { [name]: 'x' } })).toThrow(wrong)
    expect(() => build({ auth: { auth_type: 'api_key', api_key: 'k', var_name: name } })).toThrow(wrong)
    expect(() => build({ header_fields: [name] }, { [name]: 'x' })).toThrow(wrong)
  })

  it('of an argument win over those of the template, and credentials over both', () => {
    const request = build(
      {
        headers: { 'x-a': 'template', AUTHORIZATION: 'template' },
        header_fields: ['X-A', 'authorization'],
        auth: { auth_type: 'api_key', api_key: 'Bearer real', var_name: 'Authorization' },
      },
      { 'X-A': 'argument', authorization: 'argument' },
    )
    expect(headersOf(request)).toEqual({ 'X-A': 'argument', Authorization: 'Bearer real' })
  })
})

describe('credentials', () => {
  it('that are a key are in the header X-Api-Key unless the template says otherwise', () => {
    expect(headersOf(build({ auth: { auth_type: 'api_key', api_key: 'k' } }))).toEqual({ 'X-Api-Key': 'k' })
  })

  it('that are a key go into the query or a cookie', () => {
    const key = { auth_type: 'api_key', api_key: 'k&=', var_name: 'token' } as const
    expect(build({ auth: { ...key, location: 'query' } }, { q: 1 }).url).toBe('https://api.example?q=1&token=k%26%3D')
    const cookie = build({ headers: { cookie: 'theme=dark' }, auth: { ...key, location: 'cookie' } })
    expect(headersOf(cookie)).toEqual({ Cookie: 'theme=dark; token=k&=' })
  })

  it.each([
    ['an empty key', { auth_type: 'api_key', api_key: '' }],
    ['a key that ends its cookie', { auth_type: 'api_key', api_key: 'a; b=c', location: 'cookie' }],
    ['a name that is no cookie', { auth_type: 'api_key', api_key: 'a', var_name: 'a=b', location: 'cookie' }],
    ['a key with a line break', { auth_type: 'api_key', api_key: 'a\r\nX: 1' }],
    ['a user name with a colon', { auth_type: 'basic', username: 'a:b', password: 'c' }],
    ['an empty token', { auth_type: 'oauth2_user', access_token: '' }],
  ])('that are %s are refused', (_, auth) => {
    expect(() => build({ auth })).toThrow(expect.objectContaining({ code: 'invalid_call_template' }))
  })

  it('of a type that nobody knows are refused, not left out', () => {
    expect(() => build({ auth: { auth_type: 'kerberos' } })).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })

  it('by Basic are UTF-8', () => {
    const { Authorization } = headersOf(build({ auth: { auth_type: 'basic', username: 'jürgen', password: 'p:ß' } }))
    expect(Authorization).toBe(`Basic ${Buffer.from('jürgen:p:ß').toString('base64')}`)
  })

  it('of a user are a bearer token unless the template says otherwise', () => {
    const user = { auth_type: 'oauth2_user', access_token: 't' }
    expect(headersOf(build({ auth: user }))).toEqual({ Authorization: 'Bearer t' })
    expect(headersOf(build({ auth: { ...user, var_name: 'X-Token', prefix: '' } }))).toEqual({ 'X-Token': 't' })
  })

  it('do not go to a host that an argument chooses', () => {
    const auth = { auth_type: 'api_key', api_key: 'k' }
    for (const url of ['{url}', 'https://{url}/x', 'https://{url}:8443', '{url}://api.example', 'https://{url}.com/']) {
      expect(() => build({ url, auth }, { url: 'x' })).toThrow(/Arguments choose the host/)
    }
    expect(headersOf(build({ url: 'https://{shop}.shops.example/', auth }, { shop: 'x' }))).toEqual({
      'X-Api-Key': 'k',
    })
  })
})
