// gen <lines>: so many lines of 100 bytes (newline included), 64 KiB a write, so that lines lie across chunk borders.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 100, CHUNK = 65536, PERIOD = LINE * CHUNK };

int main(int argc, char **argv) {
  unsigned long long left = (argc > 1 ? strtoull(argv[1], 0, 10) : 1000000) * LINE;
  char *text = malloc(PERIOD + CHUNK);
  if (!text) return 1;
  for (int i = 0; i < CHUNK; i++) {
    char *line = text + (size_t)i * LINE;
    memset(line, 'a' + i % 26, LINE - 1);
    line[snprintf(line, 16, "%08d", i)] = ' ';
    line[LINE - 1] = '\n';
  }
  memcpy(text + PERIOD, text, CHUNK);
  for (size_t at = 0; left > 0;) {
    ssize_t put = write(1, text + at, left < CHUNK ? left : CHUNK);
    if (put <= 0) return 1;
    left -= put;
    at = (at + put) % PERIOD;
  }
  return 0;
}
