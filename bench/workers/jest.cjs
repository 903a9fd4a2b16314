// jest-worker requires what it calls.
exports.add = (a, b) => a + b
exports.echo = (value) => value
