/* Threads for kernels: one pool, entered in this one place.
 *
 * Whoever calls ml_parallel works too and takes tasks from the same counter as the workers, so it never waits for a
 * worker that has not begun: on a busy machine a sleeping worker costs nothing but its help. (OpenMP's barriers wait for
 * every thread; beside a busy browser that made steps ten times slower.) Workers look out for the next call for a
 * few microseconds before they sleep, since a training step makes many calls in a row.
 *
 * Invariants. One job at a time: a second caller, and a task that calls again, do their tasks alone. `job` changes only
 * under the lock and with no worker inside; a worker enters under the lock while the job is open, and copies it. */
#define _GNU_SOURCE
#include "moonlab/base.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_THREADS 256
#define LOOK_OUT    1500 /* pauses before a worker sleeps: about 50 us */

typedef struct {
    void  (*work)(void *ctx, int64_t i);
    void   *ctx;
    int64_t n;
} job_text;

static pthread_once_t  once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  wake = PTHREAD_COND_INITIALIZER;
static atomic_int      n_threads;
static int             n_workers, n_wanted, n_asleep;   /* under the lock */
static pthread_t       workers[MAX_THREADS];
static bool            open, leaving;                   /* under the lock: the job takes helpers; workers end */
static job_text        job;
static atomic_uint     turn;                            /* counts jobs: what idle workers watch */
static _Atomic int64_t next, done;                      /* of the current job */
static atomic_int      inside;                          /* workers in the current job */
static atomic_flag     taken = ATOMIC_FLAG_INIT;        /* somebody's job is on */
static _Thread_local bool working;                      /* this thread is in a task */
static char            failure[1024];                   /* a worker's message, for the caller; under the lock */

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void do_tasks(const job_text *j)
{
    int64_t i;
    working = true;
    while ((i = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed)) < j->n) {
        j->work(j->ctx, i);
        atomic_fetch_add_explicit(&done, 1, memory_order_release);
    }
    working = false;
}

/* Messages are a thread's own: that of a worker goes to whoever called. */
static void hand_over_failure(void)
{
    if (!ml_failed()) return;
    pthread_mutex_lock(&lock);
    snprintf(failure, sizeof failure, "%s", ml_error_message());
    pthread_mutex_unlock(&lock);
    ml_error_clear();
}

static void *worker(void *arg)
{
    int      id   = (int)(intptr_t)arg;
    unsigned seen = 0;
    for (;;) {
        for (int i = 0; i < LOOK_OUT && atomic_load_explicit(&turn, memory_order_acquire) == seen; i++) pause_briefly();
        pthread_mutex_lock(&lock);
        while (!leaving && id < n_wanted && (seen == atomic_load(&turn) || !open)) {
            seen = atomic_load(&turn);
            n_asleep++;
            pthread_cond_wait(&wake, &lock);
            n_asleep--;
        }
        if (leaving || id >= n_wanted) break;
        seen            = atomic_load(&turn);
        job_text mine   = job;
        atomic_fetch_add(&inside, 1);
        pthread_mutex_unlock(&lock);
        do_tasks(&mine);
        hand_over_failure();
        atomic_fetch_sub_explicit(&inside, 1, memory_order_release);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* --- the pool ------------------------------------------------------------------------------------------------------- */
/* Ends the workers from id first on. Nobody's job is on. */
static void dismiss(int first)
{
    pthread_mutex_lock(&lock);
    int last = n_workers;
    n_wanted = n_workers = first < last ? first : last;
    pthread_cond_broadcast(&wake);
    pthread_mutex_unlock(&lock);
    atomic_fetch_add(&turn, 1); /* those that look out see it too */
    for (int i = first; i < last; i++) pthread_join(workers[i], NULL);
}

/* Workers up to n; fewer when the system refuses: the tasks are done all the same. */
static void engage(int n)
{
    while (n_workers < n) {
        pthread_attr_t attr;
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, 1 << 20);
        pthread_mutex_lock(&lock);
        n_wanted = n_workers + 1;
        pthread_mutex_unlock(&lock);
        int refused = pthread_create(&workers[n_workers], &attr, worker, (void *)(intptr_t)n_workers);
        pthread_attr_destroy(&attr);
        if (refused) break;
        n_workers++;
    }
    pthread_mutex_lock(&lock);
    n_wanted = n_workers;
    pthread_mutex_unlock(&lock);
}

static void in_child(void) /* of a fork: the workers stayed behind */
{
    pthread_mutex_init(&lock, NULL);
    pthread_cond_init(&wake, NULL);
    n_workers = n_wanted = n_asleep = 0;
    open = false;
    atomic_store(&inside, 0);
    if (!working) atomic_flag_clear(&taken);
}

/* The library may be unloaded (Lua does it at its end): its threads must be gone by then. */
__attribute__((destructor)) static void at_end(void)
{
    if (!atomic_flag_test_and_set(&taken)) dismiss(0);
}

/* --- public ------------------------------------------------------------------------------------------------------------ */
static void read_environment(void)
{
    int         n    = 0;
    const char *text = getenv("MOONLAB_THREADS");
    if (text) n = atoi(text);
    if (n <= 0) { /* the cores that this process may use, not those of the machine */
        cpu_set_t set;
        n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    }
    atomic_store(&n_threads, n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n);
    pthread_atfork(NULL, NULL, in_child);
}

int ml_threads(void)
{
    pthread_once(&once, read_environment);
    return atomic_load_explicit(&n_threads, memory_order_relaxed);
}

bool ml_threads_set(int n)
{
    pthread_once(&once, read_environment);
    if (n < 1 || n > MAX_THREADS) return ml_fail("threads: must be 1..%d, got %d", MAX_THREADS, n);
    atomic_store(&n_threads, n);
    return true;
}

void ml_parallel(int64_t n, void (*work)(void *ctx, int64_t i), void *ctx)
{
    int threads = n > 1 && !working ? ml_threads() : 1;
    if (threads <= 1 || atomic_flag_test_and_set_explicit(&taken, memory_order_acquire)) {
        for (int64_t i = 0; i < n; i++) work(ctx, i);
        return;
    }
    if (n_workers > threads - 1) dismiss(threads - 1);
    if (n_workers < threads - 1) engage(threads - 1);

    pthread_mutex_lock(&lock);
    job = (job_text){ work, ctx, n };
    atomic_store(&next, 0);
    atomic_store(&done, 0);
    open = true;
    atomic_fetch_add(&turn, 1);
    if (n_asleep) pthread_cond_broadcast(&wake);
    pthread_mutex_unlock(&lock);

    do_tasks(&(job_text){ work, ctx, n });

    pthread_mutex_lock(&lock);
    open = false;
    pthread_mutex_unlock(&lock);
    for (int i = 0; atomic_load_explicit(&done, memory_order_acquire) < n || atomic_load_explicit(&inside, memory_order_acquire) > 0; i++) {
        if (i < LOOK_OUT) pause_briefly();
        else sched_yield(); /* a worker lost its core in the middle of a task */
    }
    if (failure[0]) { /* no worker is inside any more */
        if (!ml_failed()) ml_fail("%s", failure);
        failure[0] = '\0';
    }
    atomic_flag_clear_explicit(&taken, memory_order_release);
}
