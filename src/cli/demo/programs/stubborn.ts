// Ends neither at the end of its stdin nor by SIGTERM.
process.on('SIGTERM', () => console.log('SIGTERM? no.'))
process.stdin.on('end', () => console.log('end of input? no.')).resume()
setInterval(() => {}, 1000)
console.log('here to stay')
