/* moonlab/base.h - what everything stands on: error text, accounted memory, threads, clocks.
 *
 *     void *p = ml_realloc(NULL, 0, 100);
 *     if (!p) fprintf(stderr, "%s\n", ml_error_message());
 *     ml_realloc(p, 100, 0);
 *
 * The core never jumps, exits or aborts for a mistake of its user or for want of memory: a function that
 * fails returns NULL or false and leaves one message here, per thread.
 */
#ifndef MOONLAB_BASE_H
#define MOONLAB_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ML_VERSION "0.1.0"

#if defined(__GNUC__)
#define ML_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define ML_PRINTF(fmt, args)
#endif

/* --- errors ----------------------------------------------------------------------------------- */
void       *ml_fail(const char *format, ...) ML_PRINTF(1, 2);  /* sets this thread's message; always NULL */
bool        ml_failed(void);                                   /* a message is pending */
const char *ml_error_message(void);                            /* "" when none; valid until the next failure */
void        ml_error_clear(void);                              /* for who has handled it */

/* Tells where in the user's program this thread is, such as "script.lua:12", for messages; the text is copied. */
void        ml_set_site_hook(const char *(*site)(void *ctx), void *ctx);
const char *ml_site(void);                                     /* NULL when nobody knows */

/* The one of n known words that was most likely meant by word, for "did you mean"; NULL when none is near. */
const char *ml_nearest_word(const char *word, const char *const *known, int n);

/* --- memory: every byte is counted ------------------------------------------------------------ */
/* Grows, shrinks, allocates (NULL, 0, n) or frees (p, n, 0). The caller says the old size, which keeps the
 * account exact without a header on every block. NULL with a message when refused; the old block stays. */
void *ml_realloc(void *ptr, size_t old_bytes, size_t new_bytes);

/* Blocks of 64-byte alignment from a cache of size classes: a steady loop makes no malloc call. The content is
 * whatever was there before. Free with the size that was asked for. NULL with a message when refused. */
void *ml_block_take(size_t bytes);
void  ml_block_give(void *ptr, size_t bytes);

typedef struct ml_memory_info {
    size_t live;   /* bytes in use now */
    size_t peak;   /* most bytes in use since the start or ml_memory_peak_reset */
    size_t cached; /* bytes kept for reuse, not in use */
    size_t cap;    /* most bytes allowed for live + cached; 0 = no cap. MOONLAB_MEMORY=64M sets it */
} ml_memory_info;

ml_memory_info ml_memory(void);
bool ml_memory_environment(void);        /* false, with a message, when MOONLAB_MEMORY cannot be read; then there is no cap */
void ml_memory_peak_reset(void);
void ml_memory_trim(void);               /* gives the cache back to the system */
void ml_memory_set_cap(size_t bytes);    /* 0 lifts the cap */
void ml_memory_fail_after(int64_t n);    /* for tests: the n-th allocation from now is refused (1 = the next); 0 = off */
bool ml_parse_bytes(const char *text, size_t *bytes); /* "64M", "1.5G", "4096"; false when it is none */

/* --- threads ---------------------------------------------------------------------------------- */
int  ml_threads(void);        /* threads used by kernels; MOONLAB_THREADS, else the number of cores */
bool ml_threads_set(int n);   /* 1..256 */

/* Calls work(ctx, i) for i in 0..n-1, shared among the threads; each i runs once, on one thread. What i covers must
 * depend on the problem only, never on the number of threads: that keeps results repeatable to the bit. */
void ml_parallel(int64_t n, void (*work)(void *ctx, int64_t i), void *ctx);

/* --- files ------------------------------------------------------------------------------------- */
/* Writes a file whole or not at all: a temporary one beside it, fsync, rename. False with a message that names the
 * path and the reason; then the old file, if any, is as it was. */
bool ml_file_write(const char *path, const void *bytes, size_t n);

/* --- clocks, machine --------------------------------------------------------------------------- */
double      ml_clock(void);      /* seconds, monotonic */
const char *ml_cpu_level(void);  /* "x86-64-v4", "x86-64-v3", "x86-64-v2" or "generic": the kernels in use */

#endif
