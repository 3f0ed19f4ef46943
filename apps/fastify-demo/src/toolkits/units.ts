import { Toolkit } from '@atp/core'
import { convertUnit, unitKinds, units } from '../units.ts'

/** The units as tools, described in JSON Schema by hand: tools need no schema library. */
export function createUnitsToolkit(): Toolkit {
  const toolkit = new Toolkit({ appName: 'units', caption: 'Converts lengths, masses, volumes, temperatures and more' })

  toolkit.registerTool(
    {
      name: 'list_units',
      description: 'Lists units with symbol, name and kind; all of them, or those of one kind.',
      params: { type: 'object', properties: { kind: { enum: unitKinds } }, additionalProperties: false },
      annotations: { readOnly: true, title: 'Units' },
    },
    ({ kind }) =>
      [...units.values()]
        .filter((unit) => kind === undefined || unit.kind === kind)
        .map((unit) => ({ symbol: unit.symbol, name: unit.name, kind: unit.kind })),
  )

  toolkit.registerTool(
    {
      name: 'convert',
      description: 'Converts a value from one unit to another of the same kind, such as 26.2 mi to km.',
      params: {
        type: 'object',
        properties: {
          value: { type: 'number' },
          from: { type: 'string', description: 'Symbol of the unit the value is in, such as mi.', maxLength: 20 },
          to: { type: 'string', description: 'Symbol of the unit that is wanted, such as km.', maxLength: 20 },
        },
        required: ['value', 'from', 'to'],
        additionalProperties: false,
      },
      output: {
        type: 'object',
        properties: { value: { type: 'number' }, unit: { type: 'string' } },
        required: ['value', 'unit'],
      },
      annotations: { readOnly: true, title: 'Convert a unit' },
    },
    ({ value, from, to }) => convertUnit(value, from, to),
  )

  return toolkit
}
