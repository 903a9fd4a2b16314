// What vscode-jsonrpc calls, over stdin and stdout.
import { StreamMessageReader, StreamMessageWriter, createMessageConnection } from 'vscode-jsonrpc/node'
import { add, echo } from './functions.mjs'

const { stdin, stdout } = process
const connection = createMessageConnection(new StreamMessageReader(stdin), new StreamMessageWriter(stdout))
connection.onRequest('add', (a, b) => add(a, b))
connection.onRequest('echo', (value) => echo(value))
connection.listen()
