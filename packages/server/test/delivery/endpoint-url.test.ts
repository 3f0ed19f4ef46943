import { describe, expect, it } from 'vitest'
import { checkEndpointUrl, endpointCallUrl } from '../../src/delivery/endpoint-url.ts'

describe('the URL of an endpoint', () => {
  it.each([
    'https://example.com',
    'https://example.com/api/?code=1',
    'https://example.com:8443/a',
    'https://[2606:4700::1]/',
  ])('may be %s', (url) => {
    expect(() => checkEndpointUrl(url, false)).not.toThrow()
  })

  it.each(['http://localhost:3000', 'http://127.0.0.1:3000/api', 'http://[::1]:3000'])(
    'may be %s with dev only',
    (url) => {
      expect(() => checkEndpointUrl(url, true)).not.toThrow()
      expect(() => checkEndpointUrl(url, false)).toThrow('must be https')
    },
  )

  it.each([
    ['', /is none/],
    ['example.com', /is none/],
    ['/api', /is none/],
    ['http://example.com', /must be https/],
    ['http://127.0.0.1.example.com', /must be https/],
    ['http://10.0.0.1', /must be https/],
    ['ftp://example.com', /must be https/],
    ['javascript:alert(1)', /must be https/],
    ['https://ada@example.com', /user name/],
    ['https://:secret@example.com', /user name/],
    ['https://example.com/#', /fragment/],
    ['https://example.com/#a', /fragment/],
    [`https://example.com/${'x'.repeat(2_048)}`, /2048 characters/],
  ])('may not be %s', (url, message) => {
    expect(() => checkEndpointUrl(url, true)).toThrow(message)
  })
})

describe('where calls are posted to', () => {
  it.each([
    ['https://example.com', 'https://example.com/atp/shop/find'],
    ['https://example.com/', 'https://example.com/atp/shop/find'],
    ['https://example.com/a/b/', 'https://example.com/a/b/atp/shop/find'],
    ['https://example.com/a%20b?code=1&x', 'https://example.com/a%20b/atp/shop/find?code=1&x'],
  ])('below %s is %s', (base, url) => {
    expect(endpointCallUrl(base, 'shop', 'find').href).toBe(url)
  })

  it('names toolkits as they are registered, escaped', () => {
    expect(endpointCallUrl('https://example.com', 'Büro/Nord?', 'find').pathname).toBe('/atp/B%C3%BCro%2FNord%3F/find')
  })
})
