// What fork() calls, by process.send.
import { add, echo } from './functions.mjs'

const functions = { add, echo }

process.on('message', ({ id, method, args }) => process.send({ id, result: functions[method](...args) }))
