// What piscina and tinypool call: functions of one argument, here the list of all of them.
import * as functions from './functions.mjs'

export const add = (args) => functions.add(...args)
export const echo = (args) => functions.echo(...args)
