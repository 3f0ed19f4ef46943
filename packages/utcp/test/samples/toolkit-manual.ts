import { Toolkit } from '@atp/core'
import { createManual } from '@atp/utcp'

const toolkit = new Toolkit({ appName: 'orders' })
toolkit.registerTool({ name: 'cancel', description: 'Cancels an order', params: ['id'] }, () => 'cancelled')

const [tool] = createManual(toolkit, { baseUrl: 'https://shop.example' }).tools
console.log(tool?.name, tool?.tool_call_template.url) // → orders.cancel https://shop.example/atp/orders/cancel/
