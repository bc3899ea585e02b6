/* Counts every way to memory of the C library in the program that includes it: once, in its one
 * file. The sanitizers have their own allocators: there COUNTED is 0, and a test is to skip. */
#ifndef SAC_TESTS_ALLOCATIONS_H
#define SAC_TESTS_ALLOCATIONS_H

#include <stdatomic.h>
#include <stdlib.h> /* tells whether the C library is glibc */

static atomic_ulong allocations;

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#  define COUNTED 0
#elif defined __has_feature
#  if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
      __has_feature(memory_sanitizer)
#    define COUNTED 0
#  endif
#endif
#if !defined COUNTED && defined __GLIBC__
#  define COUNTED 1
#elif !defined COUNTED
#  define COUNTED 0
#endif

#if COUNTED
/* the names under which glibc keeps its own */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
  atomic_fetch_add(&allocations, 1);
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  atomic_fetch_add(&allocations, 1);
  return __libc_calloc(count, size);
}
void *realloc(void *block, size_t size) {
  atomic_fetch_add(&allocations, 1);
  return __libc_realloc(block, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  atomic_fetch_add(&allocations, 1);
  return __libc_memalign(alignment, size);
}
#endif

#endif
