// The bytes that the usual messages are made of, for who reads them and for who writes them.

export const asciiOf = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0))

export const PARAMS: Uint8Array = asciiOf(',"params":')
export const RESULT: Uint8Array = asciiOf(',"result":')
export const NULL: Uint8Array = asciiOf('null')
export const TRUE: Uint8Array = asciiOf('true')
export const FALSE: Uint8Array = asciiOf('false')
