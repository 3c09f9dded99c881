/* Accounted memory, and a cache of blocks by size class.
 *
 * Invariants: live counts the bytes handed out, at the size of their class; cached those on the free lists;
 * live + cached never exceeds the cap. Under pressure the cache is given back before a request is refused.
 * One short lock guards it all: blocks move between the training thread, the window and the loaders. */
#include "moonlab/base.h"

#include <ctype.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* The address sanitizer knows malloc, not the cache: it is told which bytes of a block nobody may touch. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define FORBID(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define ALLOW(p, n)  ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define FORBID(p, n) ((void)(p), (void)(n))
#define ALLOW(p, n)  ((void)(p), (void)(n))
#endif

#define ALIGNMENT   64
#define N_CLASSES   512
#define CACHE_LIMIT ((size_t)1 << 30) /* bytes kept at most; a larger loop pays malloc, which is then small beside it */

typedef struct free_block {
    struct free_block *next;
} free_block;

static pthread_once_t  once = PTHREAD_ONCE_INIT;
static free_block     *lists[N_CLASSES];
static ml_memory_info  info;
static int64_t         fail_after;

static void read_environment(void)
{
    const char *text = getenv("MOONLAB_MEMORY");
    size_t      bytes;
    if (text && ml_parse_bytes(text, &bytes)) info.cap = bytes;
}

bool ml_memory_environment(void)
{
    const char *text = getenv("MOONLAB_MEMORY");
    size_t      bytes;
    if (!text || ml_parse_bytes(text, &bytes)) return true;
    return ml_fail("MOONLAB_MEMORY must be a number of bytes, or one with K, M, G or T behind it, such as 512M or 1.5G; it is '%s'", text);
}

bool ml_parse_bytes(const char *text, size_t *bytes)
{
    char  *end;
    double value = strtod(text, &end);
    double unit  = 1;
    switch (toupper((unsigned char)*end)) {
    case 'K': unit = 1024.0, end++; break;
    case 'M': unit = 1024.0 * 1024, end++; break;
    case 'G': unit = 1024.0 * 1024 * 1024, end++; break;
    case 'T': unit = 1024.0 * 1024 * 1024 * 1024, end++; break;
    default: break;
    }
    if (unit > 1 && end[0] == 'i' && toupper((unsigned char)end[1]) == 'B') end++; /* MiB is what M means here */
    if (toupper((unsigned char)*end) == 'B') end++;
    if (end == text || *end || !(value * unit >= 1) || value * unit > 9e18) return false;
    *bytes = (size_t)(value * unit);
    return true;
}

/* --- size classes: steps of 64 up to 1 KiB, then sixteen steps an octave (waste under 6.25 %) --------------- */
static int class_of(size_t bytes, size_t *rounded)
{
    if (bytes < ALIGNMENT) bytes = ALIGNMENT;
    if (bytes <= 1024) {
        *rounded = (bytes + 63) & ~(size_t)63;
        return (int)(*rounded / 64) - 1; /* 0..15 */
    }
    int    octave = 63 - __builtin_clzll((unsigned long long)(bytes - 1)); /* 2^octave < bytes <= 2^(octave+1) */
    size_t step   = (size_t)1 << (octave - 4);
    if (bytes > SIZE_MAX - step) return -1;
    *rounded  = (bytes + step - 1) & ~(step - 1);
    int index = 16 + (octave - 10) * 16 + (int)((*rounded - ((size_t)1 << octave)) / step) - 1;
    return index < N_CLASSES ? index : -1;
}

static size_t class_bytes(int index)
{
    if (index < 16) return (size_t)(index + 1) * 64;
    int octave = 10 + (index - 16) / 16;
    return ((size_t)1 << octave) + ((size_t)((index - 16) % 16) + 1) * ((size_t)1 << (octave - 4));
}

/* Held for a few instructions, but for the rare malloc: a mutex would cost more than what it guards. */
static int busy;

static void lock(void)
{
    while (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE)) sched_yield();
}

static void unlock(void)
{
    __atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
}

/* --- with the lock held -------------------------------------------------------------------------------------- */
static void drop_cache(void)
{
    for (int i = 0; i < N_CLASSES; i++) {
        while (lists[i]) {
            free_block *block = lists[i];
            ALLOW(block, class_bytes(i));
            lists[i] = block->next;
            info.cached -= class_bytes(i);
            free(block);
        }
    }
}

static bool refused(void)
{
    return fail_after > 0 && --fail_after == 0;
}

static bool fits(size_t more)
{
    if (!info.cap) return true;
    if (more > info.cap) return false;
    if (info.live + info.cached + more > info.cap) drop_cache();
    return info.live + more <= info.cap;
}

static void count_taken(size_t bytes)
{
    info.live += bytes;
    if (info.live > info.peak) info.peak = info.live;
}

static void *out_of_memory(size_t bytes)
{
    ml_memory_info now = ml_memory();
    if (now.cap)
        return ml_fail("out of memory: %.1f MB more asked for, %.1f MB in use, the cap is %.1f MB (MOONLAB_MEMORY)",
                       (double)bytes / 1048576.0, (double)now.live / 1048576.0, (double)now.cap / 1048576.0);
    return ml_fail("out of memory: %.1f MB more asked for, %.1f MB in use", (double)bytes / 1048576.0,
                   (double)now.live / 1048576.0);
}

/* --- public ---------------------------------------------------------------------------------------------------- */
void *ml_realloc(void *ptr, size_t old_bytes, size_t new_bytes)
{
    pthread_once(&once, read_environment);
    if (new_bytes == 0) {
        free(ptr);
        lock();
        info.live -= old_bytes;
        unlock();
        return NULL;
    }
    lock();
    void *fresh = NULL;
    if (!refused() && (new_bytes <= old_bytes || fits(new_bytes - old_bytes))) {
        fresh = realloc(ptr, new_bytes);
        if (!fresh) {
            drop_cache();
            fresh = realloc(ptr, new_bytes);
        }
    }
    if (fresh) {
        info.live -= old_bytes;
        count_taken(new_bytes);
    }
    unlock();
    return fresh ? fresh : out_of_memory(new_bytes);
}

void *ml_block_take(size_t bytes)
{
    pthread_once(&once, read_environment);
    size_t size;
    int    index = class_of(bytes, &size);
    if (index < 0) return out_of_memory(bytes);
    void *block = NULL;
    lock();
    if (!refused()) {
        if (lists[index]) {
            block = lists[index];
            ALLOW(block, size);
            lists[index] = ((free_block *)block)->next;
            info.cached -= size;
        } else if (fits(size)) {
            block = aligned_alloc(ALIGNMENT, size);
            if (!block) {
                drop_cache();
                block = aligned_alloc(ALIGNMENT, size);
            }
        }
        if (block) count_taken(size);
    }
    unlock();
    if (block) FORBID((char *)block + bytes, size - bytes);
    return block ? block : out_of_memory(bytes);
}

void ml_block_give(void *ptr, size_t bytes)
{
    if (!ptr) return;
    size_t size;
    int    index = class_of(bytes, &size);
    lock();
    info.live -= size;
    ALLOW(ptr, size);
    if (info.cached + size > CACHE_LIMIT) {
        free(ptr);
    } else {
        free_block *block = ptr;
        block->next       = lists[index];
        lists[index]      = block;
        info.cached += size;
        FORBID(block + 1, size - sizeof *block); /* the leak detector must see next */
    }
    unlock();
}

ml_memory_info ml_memory(void)
{
    pthread_once(&once, read_environment);
    lock();
    ml_memory_info copy = info;
    unlock();
    return copy;
}

void ml_memory_peak_reset(void)
{
    lock();
    info.peak = info.live;
    unlock();
}

void ml_memory_trim(void)
{
    lock();
    drop_cache();
    unlock();
}

void ml_memory_set_cap(size_t bytes)
{
    pthread_once(&once, read_environment);
    lock();
    info.cap = bytes;
    if (info.cap && info.live + info.cached > info.cap) drop_cache();
    unlock();
}

void ml_memory_fail_after(int64_t n)
{
    lock();
    fail_after = n;
    unlock();
}
