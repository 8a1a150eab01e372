/* Writes malloc_usable_size(malloc(n)) for n = 1 … 1 MiB, 32 bits each. */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define REQUEST_MAX (1 << 20)

static uint32_t usable[REQUEST_MAX];

int main(void) {
  for (uint32_t bytes = 1; bytes <= REQUEST_MAX; bytes++) {
    void *block = malloc(bytes);
    usable[bytes - 1] = (uint32_t)malloc_usable_size(block);
    free(block);
  }
  return fwrite(usable, sizeof usable, 1, stdout) == 1 ? 0 : 1;
}
