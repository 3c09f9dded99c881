/* Threads for kernels: one pool, entered in this one place.
 *
 * Whoever calls ml_parallel works too and takes tasks from the same counter as the workers, so it never waits for a
 * worker that has not begun: on a busy machine a sleeping worker costs nothing but its help. (OpenMP's barriers wait for
 * every thread; beside a busy browser that made steps ten times slower.) Workers look out for the next call for a
 * few microseconds before they sleep, since a training step makes many calls in a row.
 *
 * Invariants. One job at a time: a second caller, and a task that calls again, do their tasks alone. A worker counts itself in
 * (`inside`) before it looks whether the job is open, and the caller closes the job before it looks whether anybody is inside;
 * both in one order that all threads see. So a job is changed only when no worker reads it, and a job whose tasks are all taken
 * and in which nobody is left is done. The lock is for sleeping alone: handing a job to workers that look out takes no system call.
 * Tasks are taken several at a time, since every taking moves a cache line from core to core. */
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
#define SHARES      4    /* times that a thread comes for tasks, when there are many: the quick ones take over from the slow */

typedef struct {
    void  (*work)(void *ctx, int64_t i);
    void   *ctx;
    int64_t n, each; /* tasks; how many are taken at a time */
} job_text;

static pthread_once_t  once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  wake = PTHREAD_COND_INITIALIZER;
static atomic_int      n_threads, n_wanted, n_asleep;
static int             n_workers;
static pthread_t       workers[MAX_THREADS];
static job_text        job;
static atomic_flag     taken = ATOMIC_FLAG_INIT;        /* somebody's job is on */
static _Thread_local bool working;                      /* this thread is in a task */
static char            failure[1024];                   /* a worker's message, for the caller; under the lock */
/* On cache lines of their own: what idle workers watch must not move with what busy ones count. */
static _Alignas(64) atomic_uint     turn;               /* counts jobs */
static _Alignas(64) atomic_bool     open;               /* the job takes helpers */
static _Alignas(64) atomic_int      inside;             /* workers that may be in the job */
static _Alignas(64) _Atomic int64_t next;               /* of its tasks */

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void do_tasks(const job_text *j)
{
    int64_t from;
    working = true;
    while ((from = atomic_fetch_add_explicit(&next, j->each, memory_order_relaxed)) < j->n) {
        int64_t to = from + j->each < j->n ? from + j->each : j->n;
        for (int64_t i = from; i < to; i++) j->work(j->ctx, i);
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

/* Until there is another job, or no place for this worker. It says that it sleeps before it looks for the last time, and a caller
 * looks for sleepers after it has made its job known: one of them sees the other. */
static void sleep_until(unsigned seen, int id)
{
    pthread_mutex_lock(&lock);
    atomic_fetch_add(&n_asleep, 1);
    while (atomic_load(&turn) == seen && id < atomic_load(&n_wanted)) pthread_cond_wait(&wake, &lock);
    atomic_fetch_sub(&n_asleep, 1);
    pthread_mutex_unlock(&lock);
}

static void *worker(void *arg)
{
    int      id   = (int)(intptr_t)arg;
    unsigned seen = 0;
    while (id < atomic_load(&n_wanted)) {
        for (int i = 0; i < LOOK_OUT && atomic_load_explicit(&turn, memory_order_relaxed) == seen; i++) pause_briefly();
        if (atomic_load(&turn) == seen) sleep_until(seen, id);
        seen = atomic_load(&turn);
        atomic_fetch_add(&inside, 1);
        if (atomic_load(&open)) {
            job_text mine = job;
            do_tasks(&mine);
            hand_over_failure();
        }
        atomic_fetch_sub(&inside, 1);
    }
    return NULL;
}

/* --- the pool ------------------------------------------------------------------------------------------------------- */
static void wake_all(void)
{
    pthread_mutex_lock(&lock);
    pthread_cond_broadcast(&wake);
    pthread_mutex_unlock(&lock);
}

/* Ends the workers from id first on. Nobody's job is on. */
static void dismiss(int first)
{
    int last  = n_workers;
    n_workers = first < last ? first : last;
    atomic_store(&n_wanted, n_workers);
    atomic_fetch_add(&turn, 1); /* those that look out see it too */
    wake_all();
    for (int i = first; i < last; i++) pthread_join(workers[i], NULL);
}

/* Workers up to n; fewer when the system refuses: the tasks are done all the same. */
static void engage(int n)
{
    while (n_workers < n) {
        pthread_attr_t attr;
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, 1 << 20);
        atomic_store(&n_wanted, n_workers + 1);
        int refused = pthread_create(&workers[n_workers], &attr, worker, (void *)(intptr_t)n_workers);
        pthread_attr_destroy(&attr);
        if (refused) break;
        n_workers++;
    }
    atomic_store(&n_wanted, n_workers);
}

static void in_child(void) /* of a fork: the workers stayed behind */
{
    pthread_mutex_init(&lock, NULL);
    pthread_cond_init(&wake, NULL);
    n_workers = 0;
    atomic_store(&n_wanted, 0);
    atomic_store(&n_asleep, 0);
    atomic_store(&open, false);
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

    int64_t  each = n / (SHARES * threads);
    job_text mine = { work, ctx, n, each > 1 ? each : 1 };
    job = mine;
    atomic_store(&next, 0);
    atomic_store(&open, true);
    atomic_fetch_add(&turn, 1);
    if (atomic_load(&n_asleep)) wake_all();
    do_tasks(&mine);
    atomic_store(&open, false);
    for (int i = 0; atomic_load(&inside) > 0; i++) {
        if (i < LOOK_OUT) pause_briefly();
        else sched_yield(); /* a worker lost its core in the middle of a task */
    }
    if (failure[0]) { /* no worker is inside any more */
        if (!ml_failed()) ml_fail("%s", failure);
        failure[0] = '\0';
    }
    atomic_flag_clear_explicit(&taken, memory_order_release);
}
