/* Threads for kernels: one OpenMP pool, entered in this one place. */
#define _GNU_SOURCE
#include "moonlab/base.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_THREADS 256

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int            n_threads;

static void read_environment(void)
{
    int         n    = 0;
    const char *text = getenv("MOONLAB_THREADS");
    if (text) n = atoi(text);
    if (n <= 0) { /* the cores that this process may use, not those of the machine */
        cpu_set_t set;
        n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    }
    n_threads = n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
}

int ml_threads(void)
{
    pthread_once(&once, read_environment);
    return n_threads;
}

bool ml_threads_set(int n)
{
    pthread_once(&once, read_environment);
    if (n < 1 || n > MAX_THREADS) return ml_fail("threads: must be 1..%d, got %d", MAX_THREADS, n);
    n_threads = n;
    return true;
}

/* libgomp is not instrumented for the thread sanitizer, which then misses that entering and leaving a parallel region
 * orders memory. These two marks say so; they are nothing in other builds. */
#if defined(__SANITIZE_THREAD__)
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define SYNC_ACQUIRE(p) __tsan_acquire(p)
#define SYNC_RELEASE(p) __tsan_release(p)
#else
#define SYNC_ACQUIRE(p) ((void)(p))
#define SYNC_RELEASE(p) ((void)(p))
#endif

void ml_parallel(int64_t n, void (*work)(void *ctx, int64_t i), void *ctx)
{
    int threads = ml_threads();
    if (threads > n) threads = (int)n;
    if (threads <= 1) {
        for (int64_t i = 0; i < n; i++) work(ctx, i);
        return;
    }
    char entered, left;
    SYNC_RELEASE(&entered);
#pragma omp parallel num_threads(threads)
    {
        SYNC_ACQUIRE(&entered);
#pragma omp for schedule(dynamic, 1) nowait
        for (int64_t i = 0; i < n; i++) work(ctx, i);
        SYNC_RELEASE(&left);
    }
    SYNC_ACQUIRE(&left);
}
