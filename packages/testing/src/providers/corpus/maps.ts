import { type CorpusTool, list, object, oneOfTexts, text } from '../corpus-tool.ts'

const latitude = { type: 'number', minimum: -90, maximum: 90 }
const longitude = { type: 'number', minimum: -180, maximum: 180 }
const position = {
  type: 'array',
  prefixItems: [longitude, latitude],
  items: { type: 'number' },
  minItems: 2,
  maxItems: 3,
}

/** Tools after maps, travel and weather: GeoJSON, routes, places, forecasts. */
export const maps: readonly CorpusTool[] = [
  {
    name: 'save_geojson',
    description: 'Saves a geometry in the form of GeoJSON (RFC 7946).',
    schema: {
      ...object({ layer: text(), geometry: { $ref: '#/$defs/Geometry' } }, ['layer', 'geometry']),
      $defs: {
        Geometry: {
          oneOf: [
            object({ type: { const: 'Point' }, coordinates: position }, ['type', 'coordinates']),
            object({ type: { const: 'LineString' }, coordinates: list(position, { minItems: 2 }) }, [
              'type',
              'coordinates',
            ]),
            object({ type: { const: 'GeometryCollection' }, geometries: list({ $ref: '#/$defs/Geometry' }) }, [
              'type',
              'geometries',
            ]),
          ],
        },
      },
    },
    valid: [
      { layer: 'l', geometry: { type: 'Point', coordinates: [8.5, 47.4] } },
      {
        layer: 'l',
        geometry: {
          type: 'GeometryCollection',
          geometries: [
            {
              type: 'LineString',
              coordinates: [
                [1, 2],
                [3, 4, 5],
              ],
            },
          ],
        },
      },
    ],
    invalid: [
      { layer: 'l', geometry: { type: 'Point', coordinates: [8.5] } },
      { layer: 'l', geometry: { type: 'Circle' } },
    ],
  },
  {
    name: 'compute_route',
    description: 'Finds a route.',
    schema: object(
      {
        origin: { $ref: '#/$defs/Waypoint' },
        destination: { $ref: '#/$defs/Waypoint' },
        via: list({ $ref: '#/$defs/Waypoint' }, { maxItems: 25 }),
        mode: { ...oneOfTexts('drive', 'walk', 'bicycle', 'transit'), default: 'drive' },
        avoid: object({ tolls: { type: 'boolean' }, ferries: { type: 'boolean' } }, [], {
          additionalProperties: false,
        }),
      },
      ['origin', 'destination'],
      {
        $defs: {
          Waypoint: {
            anyOf: [
              object({ address: text() }, ['address'], { additionalProperties: false }),
              object({ lat: latitude, lng: longitude }, ['lat', 'lng'], { additionalProperties: false }),
              { type: 'string', pattern: '^place_' },
            ],
          },
        },
      },
    ),
    valid: [
      { origin: { address: 'a' }, destination: 'place_b' },
      {
        origin: { lat: 1, lng: 2 },
        destination: { address: 'b' },
        via: ['place_c'],
        mode: 'walk',
        avoid: { tolls: true },
      },
    ],
    invalid: [
      { origin: { lat: 91, lng: 0 }, destination: 'place_b' },
      { origin: 'b', destination: 'place_b' },
    ],
  },
  {
    name: 'search_places',
    description: 'Finds places around a point or in a box.',
    schema: {
      type: 'object',
      properties: { types: list(oneOfTexts('cafe', 'museum', 'park')), open_now: { type: 'boolean', default: false } },
      oneOf: [
        object(
          {
            center: object({ lat: latitude, lng: longitude }, ['lat', 'lng']),
            radius: { type: 'number', exclusiveMinimum: 0, maximum: 50_000 },
          },
          ['center', 'radius'],
        ),
        object({ box: { type: 'array', items: { type: 'number' }, minItems: 4, maxItems: 4 } }, ['box']),
      ],
    },
    valid: [
      { center: { lat: 1, lng: 2 }, radius: 500 },
      { box: [1, 2, 3, 4], types: ['cafe'], open_now: true },
    ],
    invalid: [{ radius: 5 }, { types: ['cafe'] }, { box: [1] }],
  },
  {
    name: 'get_forecast',
    description: 'Tells the weather to come.',
    schema: object(
      {
        place: { type: 'string' },
        units: { type: 'string', enum: ['metric', 'imperial'], default: 'metric' },
        days: { type: 'integer', minimum: 1, maximum: 16 },
        hourly: list(oneOfTexts('temperature', 'rain', 'wind')),
      },
      ['place'],
      { $schema: 'http://json-schema.org/draft-07/schema#' },
    ),
    valid: [{ place: 'Bern' }, { place: 'Genève', units: 'imperial', days: 3, hourly: ['rain'] }],
    invalid: [{}, { place: 'x', days: 17 }],
  },
  {
    name: 'book_flight',
    description: 'Books flights for travellers, deeply nested.',
    schema: object(
      {
        order: object(
          {
            slices: list(
              object(
                {
                  segments: list(
                    object(
                      {
                        leg: object(
                          {
                            carrier: object(
                              { code: object({ iata: { type: 'string', pattern: '^[A-Z0-9]{2}$' } }, ['iata']) },
                              ['code'],
                            ),
                          },
                          ['carrier'],
                        ),
                      },
                      ['leg'],
                    ),
                    { minItems: 1 },
                  ),
                },
                ['segments'],
              ),
              { minItems: 1 },
            ),
            travellers: list(
              object(
                {
                  born: { type: 'string', format: 'date' },
                  documents: list(object({ kind: oneOfTexts('passport', 'id'), number: text() }, ['kind', 'number'])),
                },
                ['born'],
              ),
              { minItems: 1, maxItems: 9 },
            ),
          },
          ['slices', 'travellers'],
        ),
      },
      ['order'],
    ),
    valid: [
      {
        order: {
          slices: [{ segments: [{ leg: { carrier: { code: { iata: 'LX' } } } }] }],
          travellers: [{ born: '1990-01-01' }],
        },
      },
      {
        order: {
          slices: [{ segments: [{ leg: { carrier: { code: { iata: 'U2' } } } }] }],
          travellers: [{ born: '1990-01-01', documents: [{ kind: 'id', number: 'x' }] }],
        },
      },
    ],
    invalid: [{ order: {} }, { order: { slices: [{ segments: [] }], travellers: [{ born: '1990-01-01' }] } }],
  },
  {
    name: 'convert_coordinates',
    description: 'Converts between systems. Any number of points, each with an optional height.',
    schema: object(
      {
        from: { type: 'string', pattern: '^EPSG:\\d{4,5}$' },
        to: { type: 'string', pattern: '^EPSG:\\d{4,5}$' },
        points: list(position, { minItems: 1 }),
        precision: { type: 'integer', minimum: 0, maximum: 12, default: 6 },
      },
      ['from', 'to', 'points'],
    ),
    valid: [
      { from: 'EPSG:4326', to: 'EPSG:2056', points: [[8.5, 47.4]] },
      { from: 'EPSG:4326', to: 'EPSG:2056', points: [[8.5, 47.4, 400]], precision: 2 },
    ],
    invalid: [
      { from: 'WGS84', to: 'EPSG:2056', points: [[1, 2]] },
      { from: 'EPSG:4326', to: 'EPSG:2056', points: [] },
    ],
  },
]
