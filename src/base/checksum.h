/* XXH3-128 [xxHash], the checksum of every file that the library writes. */
#ifndef SAC_BASE_CHECKSUM_H
#define SAC_BASE_CHECKSUM_H

#include <stdio.h>
#include <xxhash.h>

enum { SAC_CHECKSUM_HEX = 32 };

/* The checksum as 32 hexadecimal digits, high word first, as `xxhsum -H2` prints it. */
static inline void sac_checksum_text(const void *data, size_t size,
                                     char text[SAC_CHECKSUM_HEX + 1]) {
  const XXH128_hash_t hash = XXH3_128bits(data, size);
  snprintf(text, SAC_CHECKSUM_HEX + 1, "%016llx%016llx", (unsigned long long)hash.high64,
           (unsigned long long)hash.low64);
}

/* Files are little-endian, and so must the machine be: numbers go out as they lie in memory. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "only little-endian machines so far");

#endif
