/* Batches of a data set. A batch is a function of (set, options, epoch, its place): order and augmentation are drawn from the seed,
 * the epoch and each example's place in it, so it does not matter who makes the batch, when, and on how many threads.
 *
 * With prefetch, one thread makes the next batch while the caller works on this one. All memory is taken by the caller, so the
 * thread can fail at nothing: it reads the set, the order and the job, and writes where the job says. A batch is cut into blocks, and
 * a caller who comes before the thread is done takes those that nobody has begun: on a busy machine it waits for one block at most.
 * Invariants: blocks are taken and counted under the lock; the job, the order and the working memory change only when no block is
 * under way and none is left to take. The thread never enters the pool of ml_parallel, which is the caller's. */
#include <pthread.h>
#include <string.h>

#include "data/augment.h"
#include "moonlab/data.h"
#include "tensor/tensor_impl.h"

#define ORDER_STREAM ((uint64_t)0x6c6f6164 << 32) /* "load" in ASCII; the epoch is added */
#define DRAWS_STREAM ((uint64_t)0x61756765 << 32) /* "auge" */
#define MIX_STREAM   ((uint64_t)0x6d697865 << 32) /* "mixe" */
#define MOST_EPOCHS  INT32_MAX
#define BLOCKS       16 /* of a batch, shared by threads */

typedef struct job {
    ml_batch batch;           /* references of the loader's own; x is NULL when there is no job */
    int64_t  epoch, first, n; /* examples first.. of the epoch */
    char    *x, *y, *y_other; /* the values of the batch's tensors */
    int64_t *ids;
    bool     finished;        /* by the thread and the caller together */
} job;

struct ml_loader {
    ml_loader_opts  o;
    ml_tensor      *set[2], *order;    /* x, y; order: of this epoch */
    const char     *x, *y;             /* their values */
    const int64_t  *ids;
    int64_t         n, width;          /* examples; values in each */
    size_t          x_bytes, y_bytes;  /* of one */
    mli_frame       frame;
    bool            mixes;
    ml_tensor      *spare, *copy, *others; /* working memory: (BLOCKS, width) for augmentation; a batch and a permutation for mixup */
    float          *spare_at, *copy_at;
    int64_t        *others_at;
    int64_t         epoch, at;         /* the batch that the caller gets next; epoch < 0: none was begun */
    job             next;              /* that batch, made or being made */
    bool            threaded;
    pthread_t       thread;
    pthread_mutex_t lock;
    pthread_cond_t  changed;
    int             taken, under_way;  /* under the lock: blocks of the job that were begun, BLOCKS when there is none; and not finished */
    bool            leaving;           /* the same */
};

/* --- making one batch, on any thread ----------------------------------------------------------------------------------- */
static void make_example(const ml_loader *l, const job *j, int64_t i, float *spare)
{
    const ml_loader_opts *o  = &l->o;
    int64_t               id = l->ids[j->first + i];
    float                *x  = (float *)(void *)(j->x + (size_t)i * l->x_bytes); /* of other types without augmentation only */
    memcpy(x, l->x + (size_t)id * l->x_bytes, l->x_bytes);
    memcpy(j->y + (size_t)i * l->y_bytes, l->y + (size_t)id * l->y_bytes, l->y_bytes);
    j->ids[i]       = id + o->base;
    mli_draws draws = mli_draws_of(ml_key_of(o->seed, DRAWS_STREAM + (uint64_t)j->epoch), j->first + i);
    for (int k = 0; k < o->n_augment; k++) mli_augment(&o->augment[k], l->frame, &draws, x, spare);
}

static void standardise(const ml_loader *l, float *x, int64_t n)
{
    const float *mean = ml_tensor_data(l->o.mean), *std = ml_tensor_data(l->o.std);
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < l->width; k++) x[i * l->width + k] = (x[i * l->width + k] - mean[k]) / std[k];
}

typedef struct block_task {
    const ml_loader *l;
    const job       *j;
} block_task;

static void make_block(void *ctx, int64_t b)
{
    const block_task *t = ctx;
    const ml_loader  *l = t->l;
    int64_t           from = t->j->n * b / BLOCKS, to = t->j->n * (b + 1) / BLOCKS;
    for (int64_t i = from; i < to; i++) make_example(l, t->j, i, l->spare_at ? l->spare_at + b * l->width : NULL);
    if (l->o.mean) standardise(l, (float *)(void *)(t->j->x + (size_t)from * l->x_bytes), to - from);
}

static void mix_rows(const ml_loader *l, int64_t n, int64_t width, double share, float *x)
{
    memcpy(l->copy_at, x, sizeof(float) * (size_t)(n * width));
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < width; k++)
            x[i * width + k] = (float)(share * (double)l->copy_at[i * width + k] + (1 - share) * (double)l->copy_at[l->others_at[i] * width + k]);
}

/* Each example with another of the batch, by a random permutation, all in one share. */
static void mix(const ml_loader *l, job *j)
{
    mli_draws draws = mli_draws_of(ml_key_of(l->o.seed, MIX_STREAM + (uint64_t)j->epoch), j->first);
    int64_t  *other = l->others_at;
    j->batch.share  = mli_draw_beta(&draws, l->o.augment[l->o.n_augment - 1].amount);
    for (int64_t i = 0; i < j->n; i++) other[i] = i;
    for (int64_t i = j->n - 1; i > 0; i--) {
        int64_t k = mli_draw_below(&draws, i + 1), swap = other[i];
        other[i] = other[k];
        other[k] = swap;
    }
    mix_rows(l, j->n, l->width, j->batch.share, (float *)(void *)j->x);
    if (!j->y_other) mix_rows(l, j->n, (int64_t)(l->y_bytes / sizeof(float)), j->batch.share, (float *)(void *)j->y);
    for (int64_t i = 0; j->y_other && i < j->n; i++) memcpy(j->y_other + (size_t)i * l->y_bytes, j->y + (size_t)other[i] * l->y_bytes, l->y_bytes);
}

static void make_batch(const ml_loader *l, job *j) /* all of it, with all threads */
{
    ml_parallel(BLOCKS, make_block, &(block_task){ l, j });
    if (l->mixes) mix(l, j);
}

/* --- the thread, and the caller beside it --------------------------------------------------------------------------------- */
/* Makes the next block that nobody has begun; false when there is none. The lock is held before and after. */
static bool make_next_block(ml_loader *l)
{
    if (l->taken == BLOCKS) return false;
    int b = l->taken++;
    l->under_way++;
    pthread_mutex_unlock(&l->lock);
    make_block(&(block_task){ l, &l->next }, b);
    pthread_mutex_lock(&l->lock);
    if (--l->under_way == 0) pthread_cond_broadcast(&l->changed);
    return true;
}

static void *run_thread(void *arg)
{
    ml_loader *l = arg;
    pthread_mutex_lock(&l->lock);
    while (!l->leaving)
        if (!make_next_block(l)) pthread_cond_wait(&l->changed, &l->lock);
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static void open_job(ml_loader *l)
{
    pthread_mutex_lock(&l->lock);
    l->taken = 0;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

/* Afterwards no block is left or under way: everything is the caller's. wanted: all of them are made; else those not begun are not. */
static void close_job(ml_loader *l, bool wanted)
{
    pthread_mutex_lock(&l->lock);
    while (wanted && make_next_block(l)) continue;
    l->taken = BLOCKS;
    while (l->under_way > 0) pthread_cond_wait(&l->changed, &l->lock);
    pthread_mutex_unlock(&l->lock);
}

/* --- jobs ------------------------------------------------------------------------------------------------------------------ */
static void drop_job(ml_loader *l)
{
    ml_tensor *held[] = { l->next.batch.x, l->next.batch.y, l->next.batch.ids, l->next.batch.y_other };
    for (int i = 0; i < 4; i++) ml_release(held[i]);
    l->next = (job){ 0 };
}

static ml_tensor *rows_of(int64_t n, const ml_tensor *like)
{
    ml_shape shape = ml_tensor_shape(like);
    shape.size[0]  = n;
    return ml_empty(shape, ml_tensor_dtype(like));
}

static bool exists(const ml_loader *l, int64_t epoch, int64_t at) { return epoch >= 0 && at < ml_loader_batches(l) && epoch < MOST_EPOCHS; }

/* Takes the memory of the batch that comes next, and begins to make it: at once, or in the thread. */
static bool begin_job(ml_loader *l)
{
    int64_t  first = l->at * l->o.batch, n = l->n - first < l->o.batch ? l->n - first : l->o.batch;
    ml_scope scope = ml_scope_begin();
    ml_batch b     = { rows_of(n, l->set[0]), rows_of(n, l->set[1]), ml_empty(ML_SHAPE(n), ML_I64), NULL, 1 };
    bool     other = l->mixes && ml_tensor_dtype(l->set[1]) != ML_F32;
    if (other) b.y_other = rows_of(n, l->set[1]);
    bool ok = b.x && b.y && b.ids && (b.y_other || !other);
    if (ok) {
        ml_tensor *held[] = { b.x, b.y, b.ids, b.y_other };
        for (int i = 0; i < 4; i++) ml_retain(held[i]);
        l->next = (job){ b, l->epoch, first, n, ml_tensor_mutable_data(b.x), ml_tensor_mutable_data(b.y),
                         other ? ml_tensor_mutable_data(b.y_other) : NULL, ml_tensor_mutable_data(b.ids), false };
        if (l->threaded) open_job(l);
        else make_batch(l, &l->next);
    }
    ml_scope_end(&scope);
    return ok;
}

/* What the thread has begun is made; once, however often the batch is asked for. */
static void finish_job(ml_loader *l)
{
    if (!l->threaded || l->next.finished) return;
    close_job(l, true);
    if (l->mixes) mix(l, &l->next);
    l->next.finished = true;
}

/* --- public ------------------------------------------------------------------------------------------------------------------ */
static bool check(ml_tensor *x, ml_tensor *y, const ml_loader_opts *o)
{
    if (ml_tensor_is_batched(x) || ml_tensor_is_batched(y)) return ml_fail("loader: the set must have values; inside vmap it has not");
    ml_shape sx = ml_tensor_shape(x), sy = ml_tensor_shape(y), example = { 0, { 0 } };
    if (sx.n < 1 || sy.n < 1 || sx.size[0] != sy.size[0])
        return ml_fail("loader: x and y must have the same number of rows, got %s and %s", ml_shape_text(&sx), ml_shape_text(&sy));
    if (sx.size[0] < 1) return ml_fail("loader: the set has no examples");
    if (o->batch < 0) return ml_fail("loader: batch must be at least 1, got %lld", (long long)o->batch);
    if (o->drop_last && o->batch > sx.size[0])
        return ml_fail("loader: with drop_last a batch of %lld leaves nothing of %lld examples", (long long)o->batch, (long long)sx.size[0]);
    if (o->n_augment < 0 || o->n_augment > ML_MOST_AUGMENTS) return ml_fail("loader: at most %d augmentations, got %d", ML_MOST_AUGMENTS, o->n_augment);
    if (o->base != 0 && o->base != 1) return ml_fail("loader: base must be 0 or 1, got %d", o->base);
    if ((o->n_augment || o->mean) && ml_tensor_dtype(x) != ML_F32)
        return ml_fail("loader: augmentation and standardising need x in f32, got %s; x:cast \"f32\"", ml_dtype_name(ml_tensor_dtype(x)));
    example = ml_shape_of(sx.n - 1, sx.size + 1);
    for (int i = 0; i < o->n_augment; i++) {
        if (!mli_augment_check(&o->augment[i], example)) return false;
        if (o->augment[i].kind == ML_AUGMENT_MIXUP && i != o->n_augment - 1) return ml_fail("loader: mixup must be the last augmentation");
    }
    for (int i = 0; i < 2; i++) {
        ml_tensor *t = i ? o->std : o->mean;
        ml_shape   s = t ? ml_tensor_shape(t) : example;
        if (!t != !o->mean || !ml_shape_equal(&s, &example) || (t && (ml_tensor_dtype(t) != ML_F32 || !ml_tensor_is_contiguous(t))))
            return ml_fail("loader: mean and std must both be contiguous f32 of the shape of an example, %s", ml_shape_text(&example));
    }
    return true;
}

/* What the loader holds; false for want of memory, with the loader fit to be released. */
static bool take_hold(ml_loader *l, ml_tensor *x, ml_tensor *y)
{
    ml_tensor *given[2] = { x, y };
    for (int i = 0; i < 2; i++) {
        ml_tensor *t = ml_tensor_is_contiguous(given[i]) ? given[i] : ml_clone(given[i]);
        if (!t || !ml_tensor_data(t)) return false;
        l->set[i] = ml_retain(ml_detach(t));
        if (!l->set[i]) return false;
    }
    l->x = ml_tensor_data(l->set[0]), l->y = ml_tensor_data(l->set[1]);
    ml_retain(l->o.mean), ml_retain(l->o.std);
    if (l->o.n_augment) {
        if (!(l->spare = ml_retain(ml_empty(ML_SHAPE(BLOCKS, l->width), ML_F32)))) return false;
        l->spare_at = ml_tensor_mutable_data(l->spare);
    }
    if (!l->mixes) return true;
    int64_t y_width = (int64_t)(l->y_bytes / sizeof(float)), widest = y_width > l->width ? y_width : l->width;
    l->copy   = ml_retain(ml_empty(ML_SHAPE(l->o.batch, widest), ML_F32));
    l->others = ml_retain(ml_empty(ML_SHAPE(l->o.batch), ML_I64));
    if (!l->copy || !l->others) return false;
    l->copy_at = ml_tensor_mutable_data(l->copy), l->others_at = ml_tensor_mutable_data(l->others);
    return true;
}

static void describe(ml_loader *l, ml_tensor *x, ml_tensor *y)
{
    ml_shape s = ml_tensor_shape(x);
    l->n       = s.size[0];
    l->width   = ml_tensor_numel(x) / l->n;
    l->x_bytes = (size_t)l->width * ml_dtype_bytes(ml_tensor_dtype(x));
    l->y_bytes = (size_t)(ml_tensor_numel(y) / l->n) * ml_dtype_bytes(ml_tensor_dtype(y));
    l->frame   = s.n == 4 ? (mli_frame){ s.size[1], s.size[2], s.size[3] } : s.n == 3 ? (mli_frame){ 1, s.size[1], s.size[2] } : (mli_frame){ 1, 1, l->width };
    if (l->o.batch == 0) l->o.batch = 64;
    if (l->o.batch > l->n) l->o.batch = l->n;
    l->mixes = l->o.n_augment && l->o.augment[l->o.n_augment - 1].kind == ML_AUGMENT_MIXUP;
    l->epoch = -1;
    l->taken = BLOCKS;
}

ml_loader *ml_loader_new(ml_tensor *x, ml_tensor *y, const ml_loader_opts *opts)
{
    if (!x || !y) return NULL;
    if (!check(x, y, opts)) return NULL;
    ml_loader *l = ml_realloc(NULL, 0, sizeof *l);
    if (!l) return NULL;
    *l = (ml_loader){ .o = *opts };
    describe(l, x, y);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    ml_scope scope = ml_scope_begin();
    bool     ok    = take_hold(l, x, y);
    ml_scope_end(&scope);
    if (ok && opts->prefetch) l->threaded = pthread_create(&l->thread, NULL, run_thread, l) == 0; /* refused: then without */
    if (ok) return l;
    ml_loader_release(l);
    return NULL;
}

int64_t ml_loader_batches(const ml_loader *l) { return l->o.drop_last ? l->n / l->o.batch : (l->n + l->o.batch - 1) / l->o.batch; }

static ml_tensor *order_of(const ml_loader *l, int64_t epoch)
{
    if (l->o.in_order) return ml_arange(0, (double)l->n, 1, ML_I64);
    return ml_randperm(l->n, ml_key_of(l->o.seed, ORDER_STREAM + (uint64_t)epoch));
}

bool ml_loader_start(ml_loader *l, int64_t epoch, int64_t batch)
{
    if (epoch < 0 || epoch >= MOST_EPOCHS) return ml_fail("loader: epoch must be 0..%d, got %lld", MOST_EPOCHS - 1, (long long)epoch);
    if (batch < 0 || batch > ml_loader_batches(l)) return ml_fail("loader: an epoch has %lld batches, and %lld was wanted", (long long)ml_loader_batches(l), (long long)batch);
    ml_scope   scope = ml_scope_begin();
    ml_tensor *order = ml_retain(order_of(l, epoch));
    ml_scope_end(&scope);
    if (!order) return false;
    close_job(l, false);
    drop_job(l);
    ml_release(l->order);
    l->order = order;
    l->ids   = ml_tensor_data(order);
    l->epoch = epoch, l->at = batch;
    return true;
}

bool ml_loader_next(ml_loader *l, ml_batch *batch)
{
    *batch = (ml_batch){ .share = 1 };
    if (!exists(l, l->epoch, l->at)) return l->epoch >= 0 || ml_fail("loader: no epoch was started");
    if (!l->next.batch.x && !begin_job(l)) return false;
    finish_job(l);
    ml_tensor *held[] = { l->next.batch.x, l->next.batch.y, l->next.batch.ids, l->next.batch.y_other };
    for (int i = 0; i < 4; i++)
        if (held[i] && !mli_scope_adopt(ml_retain(held[i]))) {
            ml_release(held[i]);
            return false;
        }
    *batch = l->next.batch;
    drop_job(l);
    l->at++;
    if (l->threaded && exists(l, l->epoch, l->at) && !begin_job(l)) ml_error_clear(); /* then it is begun when it is asked for */
    return true;
}

void ml_loader_release(ml_loader *l)
{
    if (!l) return;
    close_job(l, false);
    if (l->threaded) {
        pthread_mutex_lock(&l->lock);
        l->leaving = true;
        pthread_cond_broadcast(&l->changed);
        pthread_mutex_unlock(&l->lock);
        pthread_join(l->thread, NULL);
    }
    drop_job(l);
    ml_tensor *held[] = { l->set[0], l->set[1], l->order, l->spare, l->copy, l->others, l->o.mean, l->o.std };
    for (size_t i = 0; i < sizeof held / sizeof *held; i++) ml_release(held[i]);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->changed);
    ml_realloc(l, sizeof *l, 0);
}
