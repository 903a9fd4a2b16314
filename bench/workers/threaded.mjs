// What a thread answers, by postMessage.
import { parentPort } from 'node:worker_threads'
import { add, echo } from './functions.mjs'

const functions = { add, echo }

parentPort.on('message', ({ id, method, args }) =>
  parentPort.postMessage({ id, result: functions[method](...args) }, []),
)
