/* Batches: every example once an epoch, the same whoever makes them, geometry that has an answer on paper, want of memory. */
#include "checks.h"
#include "moonlab/data.h"

#include <math.h>

TestSuite(loader, .init = begin_test, .fini = end_test, .timeout = 60);

static ml_tensor *images(int64_t n) { return ml_rand(ML_SHAPE(n, 2, 6, 5), ML_F32, ml_key_of(7, 0)); }
static ml_tensor *labels(int64_t n) { return ml_randint(0, 10, ML_SHAPE(n), ml_key_of(8, 0)); }

static const ml_loader_opts all_steps = {
    .batch = 7, .seed = 3, .n_augment = 7,
    .augment = { { ML_AUGMENT_SHIFT, 2 }, { ML_AUGMENT_ROTATE, 20 }, { ML_AUGMENT_FLIP, 0.5 }, { ML_AUGMENT_FLIP_VERTICAL, 0.5 },
                 { ML_AUGMENT_CUTOUT, 2 }, { ML_AUGMENT_NOISE, 0.1 }, { ML_AUGMENT_MIXUP, 0.4 } },
};

static bool next_of(ml_loader *l, ml_batch *b)
{
    cr_assert(ml_loader_next(l, b), "%s", ml_error_message());
    return b->x != NULL;
}

/* All batches of an epoch, one below the other: x, ids. */
static int64_t run_epoch(ml_loader *l, int64_t epoch, ml_tensor *into[2])
{
    ml_batch b;
    int64_t  n = 0;
    into[0] = into[1] = NULL;
    cr_assert(ml_loader_start(l, epoch, 0), "%s", ml_error_message());
    while (next_of(l, &b)) {
        float         *x   = ml_tensor_mutable_data(into[0] ? into[0] : (into[0] = ml_zeros(ML_SHAPE(100, ml_tensor_numel(b.x) / ml_tensor_size(b.x, 0)), ML_F32)));
        int64_t       *ids = ml_tensor_mutable_data(into[1] ? into[1] : (into[1] = ml_zeros(ML_SHAPE(100), ML_I64)));
        const float   *bx  = ml_tensor_data(b.x);
        const int64_t *bi  = ml_tensor_data(b.ids);
        int64_t        m = ml_tensor_size(b.x, 0), w = ml_tensor_numel(b.x) / m;
        for (int64_t i = 0; i < m * w; i++) x[n * w + i] = bx[i];
        for (int64_t i = 0; i < m; i++) ids[n + i] = bi[i];
        n += m;
    }
    return n;
}

Test(loader, every_example_once_an_epoch_in_an_order_of_its_own)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *x = images(30), *first[2], *second[2];
    ml_loader *l = ml_loader_new(x, labels(30), &(ml_loader_opts){ .batch = 8, .seed = 1 });
    cr_assert(l, "%s", ml_error_message());
    expect(ml_loader_batches(l) == 4, "%lld batches", (long long)ml_loader_batches(l));
    cr_assert(run_epoch(l, 0, first) == 30 && run_epoch(l, 1, second) == 30);
    const int64_t *a = ml_tensor_data(first[1]), *b = ml_tensor_data(second[1]);
    const float   *from = ml_tensor_data(x), *got = ml_tensor_data(first[0]);
    int            seen[30] = { 0 }, same = 0;
    for (int i = 0; i < 30; i++) {
        seen[a[i]]++, same += a[i] == b[i];
        for (int k = 0; k < 60; k++) expect(got[i * 60 + k] == from[a[i] * 60 + k], "place %d has not example %lld", i, (long long)a[i]);
    }
    for (int i = 0; i < 30; i++) expect(seen[i] == 1, "example %d came %d times", i, seen[i]);
    expect(same < 8, "two epochs have %d of 30 in the same place", same);
    ml_loader_release(l);
    ml_scope_end(&scope);
}

Test(loader, gives_the_same_with_and_without_a_second_thread)
{
    ml_scope       scope = ml_scope_begin();
    ml_tensor     *x = images(30), *y = labels(30), *want[2], *got[2];
    ml_loader_opts o = all_steps;
    o.mean = ml_full(ML_SHAPE(2, 6, 5), ML_F32, 0.5), o.std = ml_full(ML_SHAPE(2, 6, 5), ML_F32, 0.25);
    ml_loader *plain = ml_loader_new(x, y, &o);
    o.prefetch        = true;
    ml_loader *ahead = ml_loader_new(x, y, &o);
    cr_assert(plain && ahead, "%s", ml_error_message());
    for (int threads = 1; threads <= 4; threads += 3)
        for (int64_t epoch = 0; epoch < 3; epoch++) {
            ml_threads_set(threads);
            cr_assert(run_epoch(plain, epoch, want) == 30 && run_epoch(ahead, epoch, got) == 30);
            expect_same(want[0], got[0], "epoch %lld on %d threads", (long long)epoch, threads);
            expect_same(want[1], got[1], "ids of epoch %lld", (long long)epoch);
        }
    ml_loader_release(plain);
    ml_loader_release(ahead);
    ml_scope_end(&scope);
}

Test(loader, may_be_left_anywhere_and_goes_on_from_anywhere)
{
    for (int prefetch = 0; prefetch < 2; prefetch++) {
        ml_scope       scope = ml_scope_begin();
        ml_loader_opts o     = all_steps;
        o.prefetch           = prefetch;
        ml_loader *l         = ml_loader_new(images(30), labels(30), &o);
        ml_batch   skipped, again;
        cr_assert(ml_loader_start(l, 4, 0));
        for (int i = 0; i < 3; i++) cr_assert(ml_loader_next(l, &skipped) && skipped.x);
        cr_assert(ml_loader_start(l, 4, 2) && ml_loader_next(l, &again));
        expect_same(skipped.x, again.x, "x of the third batch");
        expect_same(skipped.y_other, again.y_other, "the labels mixed in");
        expect(skipped.share == again.share && again.share > 0 && again.share < 1, "shares %g and %g", skipped.share, again.share);
        ml_loader_release(l); /* with a batch on its way */
        ml_scope_end(&scope);
    }
}

Test(loader, mixes_examples_and_what_is_wanted_of_them)
{
    ml_scope       scope = ml_scope_begin();
    ml_loader_opts o     = { .batch = 30, .in_order = true, .n_augment = 1, .augment = { { ML_AUGMENT_MIXUP, 1 } } };
    ml_tensor     *x = images(30), *y = ml_rand(ML_SHAPE(30, 3), ML_F32, ml_key_of(9, 0));
    for (int floats = 0; floats < 2; floats++) {
        ml_loader *l = ml_loader_new(x, floats ? y : ml_arange(0, 30, 1, ML_I64), &o);
        ml_batch   b;
        cr_assert(ml_loader_start(l, 0, 0) && ml_loader_next(l, &b), "%s", ml_error_message());
        expect((b.y_other == NULL) == (floats == 1), "y_other is for labels");
        const float *from = ml_tensor_data(x), *got = ml_tensor_data(b.x), *yf = ml_tensor_data(y), *gy = floats ? ml_tensor_data(b.y) : NULL;
        for (int64_t i = 0; i < 30; i++) { /* with floats the other one is found by the first value */
            int64_t other = 0;
            if (!floats) other = ((const int64_t *)ml_tensor_data(b.y_other))[i];
            else
                for (int64_t k = 0; k < 30; k++)
                    if (fabs(b.share * (double)from[i * 60] + (1 - b.share) * (double)from[k * 60] - (double)got[i * 60]) < 1e-7) other = k;
            for (int64_t k = 0; k < 60; k++)
                expect(fabs(b.share * (double)from[i * 60 + k] + (1 - b.share) * (double)from[other * 60 + k] - (double)got[i * 60 + k]) < 1e-6, "value %lld of %lld",
                       (long long)k, (long long)i);
            for (int64_t k = 0; floats && k < 3; k++)
                expect(fabs(b.share * (double)yf[i * 3 + k] + (1 - b.share) * (double)yf[other * 3 + k] - (double)gy[i * 3 + k]) < 1e-6, "y of %lld", (long long)i);
        }
        ml_loader_release(l);
    }
    ml_scope_end(&scope);
}

/* The share is Beta(a, a): mean 1/2, variance 1 / (4 (2 a + 1)). */
Test(loader, draws_shares_from_their_distribution)
{
    static const double as[] = { 0.2, 1, 5 };
    for (int k = 0; k < 3; k++) {
        ml_scope       scope = ml_scope_begin();
        ml_loader_opts o     = { .batch = 1, .n_augment = 1, .augment = { { ML_AUGMENT_MIXUP, as[k] } } };
        ml_loader     *l     = ml_loader_new(ml_zeros(ML_SHAPE(4000, 1), ML_F32), ml_zeros(ML_SHAPE(4000), ML_I64), &o);
        ml_batch       b;
        double         sum = 0, squares = 0, wanted = 1 / (4 * (2 * as[k] + 1));
        cr_assert(ml_loader_start(l, 0, 0));
        while (next_of(l, &b)) sum += b.share, squares += (b.share - 0.5) * (b.share - 0.5);
        expect(fabs(sum / 4000 - 0.5) < 5 * sqrt(wanted / 4000), "Beta(%g): mean %g", as[k], sum / 4000);
        expect(fabs(squares / 4000 / wanted - 1) < 0.12, "Beta(%g): variance %g, not %g", as[k], squares / 4000, wanted);
        ml_loader_release(l);
        ml_scope_end(&scope);
    }
}

Test(loader, any_allocation_may_be_refused)
{
    for (int prefetch = 0; prefetch < 2; prefetch++) {
        ml_scope       scope = ml_scope_begin();
        ml_tensor     *x = images(10), *y = labels(10);
        ml_loader_opts o = all_steps;
        bool           ok = false;
        int64_t        n;
        o.prefetch = prefetch;
        for (n = 1; !ok && n < 200; n++) {
            size_t   live  = ml_memory().live;
            ml_scope inner = ml_scope_begin();
            ml_batch b     = { .x = NULL };
            ml_memory_fail_after(n);
            ml_loader *l = ml_loader_new(x, y, &o);
            ok = l && ml_loader_start(l, 0, 0) && ml_loader_next(l, &b) && b.x && ml_loader_next(l, &b) && b.x;
            ml_memory_fail_after(0);
            expect(ok || ml_failed(), "allocation %lld: no message", (long long)n);
            ml_error_clear();
            if (l && !ok) /* asked again, it goes on */
                expect(ml_loader_start(l, 0, 0) && ml_loader_next(l, &b) && b.x, "allocation %lld: afterwards %s", (long long)n, ml_error_message());
            ml_loader_release(l);
            ml_scope_end(&inner);
            expect(ml_memory().live == live, "allocation %lld: %lld bytes were left", (long long)n, (long long)(ml_memory().live - live));
        }
        expect(ok && n > 15, "%lld allocations", (long long)n);
        ml_scope_end(&scope);
    }
}

Test(loader, refuses_what_makes_no_sense)
{
    ml_scope       scope = ml_scope_begin();
    ml_tensor     *x = images(10), *y = labels(10);
    ml_loader_opts o;
#define REFUSED(a, b, change, words) o = all_steps; change; expect_fails(!!ml_loader_new(a, b, &o), words)
    REFUSED(x, labels(9), (void)0, "loader: x and y must have the same number of rows, got (10, 2, 6, 5) and (9)");
    REFUSED(images(0), labels(0), (void)0, "loader: the set has no examples");
    REFUSED(x, y, o.batch = -1, "loader: batch must be at least 1, got -1");
    REFUSED(x, y, (o.batch = 11, o.drop_last = true), "loader: with drop_last a batch of 11 leaves nothing of 10");
    REFUSED(x, y, o.n_augment = 9, "loader: at most 8 augmentations, got 9");
    REFUSED(x, y, o.augment[0].amount = -1, "loader: shift takes pixels, 0..4096, got -1");
    REFUSED(x, y, o.augment[5].amount = NAN, "loader: noise takes a standard deviation");
    REFUSED(x, y, o.augment[0].kind = ML_AUGMENT_MIXUP, "loader: mixup must be the last augmentation");
    REFUSED(x, y, o.augment[0].kind = ML_AUGMENT_COUNT, "loader: there is no augmentation 7");
    REFUSED(y, y, (void)0, "loader: augmentation and standardising need x in f32, got i64");
    REFUSED(ml_zeros(ML_SHAPE(10, 4), ML_F32), y, (void)0, "loader: shift needs images");
    REFUSED(x, y, o.mean = ml_ones(ML_SHAPE(2, 6, 5), ML_F32), "loader: mean and std must both be");
    REFUSED(x, y, (o.mean = ml_ones(ML_SHAPE(5), ML_F32), o.std = o.mean), "loader: mean and std must both be");
    ml_loader *l = ml_loader_new(x, y, &all_steps);
    ml_batch   b;
    expect_fails(ml_loader_next(l, &b), "loader: no epoch was started");
    expect_fails(ml_loader_start(l, -1, 0), "loader: epoch must be");
    expect_fails(ml_loader_start(l, 0, 3), "loader: an epoch has 2 batches, and 3 was wanted");
    ml_loader_release(l);
    ml_scope_end(&scope);
}
