/* tensor: shapes, dtypes, ownership, making, views, values, copies. Printing and random numbers have their own files. */
#include "support.h"
#include "tensor/tensor_impl.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

static void expect_values(const ml_tensor *t, int64_t n, const double *wanted)
{
    cr_assert_not_null(t, "%s", ml_error_message());
    cr_assert_eq(ml_tensor_numel(t), n);
    double *got = malloc((size_t)n * sizeof *got);
    cr_assert(ml_tensor_copy_out(t, ML_F64, got));
    for (int64_t i = 0; i < n; i++)
        cr_expect(got[i] == wanted[i] || (isnan(got[i]) && isnan(wanted[i])), "value %d is %.17g, not %.17g",
                  (int)i, got[i], wanted[i]);
    free(got);
}
#define EXPECT_VALUES(t, ...) \
    expect_values(t, (int64_t)(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double)), (double[]){ __VA_ARGS__ })

/* --- shapes --------------------------------------------------------------------------------------------------- */
Test(shape, facts)
{
    ml_shape a = ML_SHAPE(2, 3), b = ML_SHAPE(2, 3), c = ML_SHAPE(2, 3, 1), d = ML_SHAPE(3, 2),
             one = ML_SHAPE(7), none = ML_SCALAR;
    cr_expect_eq(ml_shape_numel(&a), 6);
    cr_expect_eq(ml_shape_numel(&none), 1);
    cr_expect_eq(ml_shape_numel(&(ml_shape){ 2, { 5, 0 } }), 0);
    cr_expect(ml_shape_equal(&a, &b) && !ml_shape_equal(&a, &c) && !ml_shape_equal(&a, &d));
    cr_expect_str_eq(ml_shape_text(&a), "(2, 3)");
    cr_expect_str_eq(ml_shape_text(&none), "()");
    cr_expect_str_eq(ml_shape_text(&one), "(7)");
    const char *first = ml_shape_text(&a);
    for (int i = 0; i < 7; i++) ml_shape_text(&c);
    cr_expect_str_eq(first, "(2, 3)", "eight texts live side by side");
    const int64_t big  = INT64_MIN;
    ml_shape      wide = ML_SHAPE(big, big, big, big, big, big, big, big);
    cr_expect_eq(strlen(ml_shape_text(&wide)), 8 * 20 + 7 * 2 + 2u);
}

Test(shape, broadcasting_follows_numpy)
{
    static const struct {
        ml_shape a, b, out;
        bool     fits;
    } cases[] = {
        { { 2, { 2, 3 } }, { 1, { 3 } }, { 2, { 2, 3 } }, true },
        { { 2, { 2, 1 } }, { 2, { 1, 3 } }, { 2, { 2, 3 } }, true },
        { { 0, { 0 } }, { 2, { 2, 3 } }, { 2, { 2, 3 } }, true },
        { { 3, { 8, 1, 6 } }, { 2, { 7, 1 } }, { 3, { 8, 7, 6 } }, true },
        { { 2, { 0, 3 } }, { 2, { 1, 3 } }, { 2, { 0, 3 } }, true },
        { { 1, { 0 } }, { 1, { 1 } }, { 1, { 0 } }, true },
        { { 0, { 0 } }, { 0, { 0 } }, { 0, { 0 } }, true },
        { { 1, { 2 } }, { 1, { 3 } }, { 0, { 0 } }, false },
        { { 2, { 2, 3 } }, { 1, { 2 } }, { 0, { 0 } }, false },
        { { 1, { 0 } }, { 1, { 2 } }, { 0, { 0 } }, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ml_shape ab, ba;
        bool     fits = ml_shape_broadcast(&cases[i].a, &cases[i].b, &ab);
        cr_expect_eq(fits, cases[i].fits, "case %zu", i);
        cr_expect_eq(ml_shape_broadcast(&cases[i].b, &cases[i].a, &ba), fits, "case %zu is not symmetric", i);
        if (!fits) continue;
        cr_expect(ml_shape_equal(&ab, &cases[i].out), "case %zu: %s", i, ml_shape_text(&ab));
        cr_expect(ml_shape_equal(&ba, &cases[i].out), "case %zu: %s", i, ml_shape_text(&ba));
    }
    ml_shape grown = ML_SHAPE(2, 1), five = ML_SHAPE(5), before = grown;
    cr_expect(!ml_shape_broadcast(&grown, &(ml_shape){ 2, { 3, 1 } }, &grown) &&
              ml_shape_equal(&grown, &before));
    cr_expect(ml_shape_broadcast(&grown, &five, &grown), "the result may take the place of an input");
    cr_expect_str_eq(ml_shape_text(&grown), "(2, 5)");
    cr_expect(!ml_failed(), "a misfit is silent: the caller knows the words");
}

Test(shape, nine_dimensions_are_refused_not_cut)
{
    expect_fails(ml_zeros(ML_SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 2), ML_F32), "8 dimensions");
}

/* --- dtypes --------------------------------------------------------------------------------------------------- */
Test(dtype, names_sizes_and_promotion)
{
    static const ml_dtype order[] = { ML_BOOL, ML_U8, ML_I64, ML_F32, ML_F64 };
    static const size_t   bytes[] = { 1, 1, 8, 4, 8 };
    static const char    *names[] = { "bool", "u8", "i64", "f32", "f64" };
    for (int i = 0; i < ML_DTYPE_COUNT; i++) {
        ml_dtype parsed = ML_DTYPE_COUNT;
        cr_expect_str_eq(ml_dtype_name(order[i]), names[i]);
        cr_expect(ml_dtype_parse(names[i], &parsed) && parsed == order[i]);
        cr_expect_eq(ml_dtype_bytes(order[i]), bytes[i]);
        for (int j = 0; j < ML_DTYPE_COUNT; j++)
            cr_expect_eq(ml_dtype_promote(order[i], order[j]), order[i > j ? i : j], "%s with %s", names[i],
                         names[j]);
    }
    ml_dtype kept = ML_F64;
    expect_fails(ml_dtype_parse("float", &kept),
                 "no dtype is called 'float'; they are f32, f64, i64, u8, bool");
    cr_expect_eq(kept, ML_F64);
    cr_expect_str_eq(ml_dtype_name(ML_DTYPE_COUNT), "?");
}

/* --- ownership -------------------------------------------------------------------------------------------------- */
static size_t live_after_warm_up(void) /* the list of the scopes is kept for ever: make it before measuring */
{
    ml_scope scope = ml_scope_begin();
    ml_scalar(1, ML_F32);
    ml_scope_end(&scope);
    return ml_memory().live;
}

Test(scope, ends_what_it_holds)
{
    size_t   start = live_after_warm_up();
    ml_scope outer = ml_scope_begin();
    ml_zeros(ML_SHAPE(1000), ML_F32);
    size_t   with_one = ml_memory().live;
    ml_scope inner    = ml_scope_begin();
    ml_zeros(ML_SHAPE(2000), ML_F64);
    ml_clone(ml_ones(ML_SHAPE(10), ML_U8));
    ml_scope_end(&inner);
    cr_expect_eq(ml_memory().live, with_one);
    ml_scope_end(&outer);
    cr_expect_eq(ml_memory().live, start);
    ml_scope_end(&outer); /* once more does no harm */
    cr_expect_eq(ml_memory().live, start);
}

Test(scope, returns_a_result_to_the_one_around_it)
{
    size_t     start = live_after_warm_up();
    ml_scope   outer = ml_scope_begin();
    ml_scope   inner = ml_scope_begin();
    ml_tensor *kept  = ml_full(ML_SHAPE(3), ML_F32, 4);
    ml_zeros(ML_SHAPE(100), ML_F32);
    cr_expect_eq(ml_scope_return(&inner, kept), kept);
    EXPECT_VALUES(kept, 4, 4, 4);
    inner = ml_scope_begin();
    cr_expect_null(ml_scope_return(&inner, NULL));
    inner = ml_scope_begin();
    cr_expect_eq(ml_scope_return(&inner, kept), kept, "a borrowed tensor may be returned too");
    ml_scope_end(&outer);
    cr_expect_eq(ml_memory().live, start);
}

Test(scope, a_retained_tensor_outlives_it)
{
    size_t     start = live_after_warm_up();
    ml_scope   scope = ml_scope_begin();
    ml_tensor *t     = ml_retain(ml_full(ML_SHAPE(2), ML_F64, 5));
    ml_tensor *view  = ml_retain(ml_detach(t));
    ml_scope_end(&scope);
    EXPECT_VALUES(t, 5, 5);
    ml_release(t);
    EXPECT_VALUES(view, 5, 5);
    ml_release(view);
    ml_release(NULL);
    cr_expect_null(ml_retain(NULL));
    cr_expect_eq(ml_memory().live, start);
}

Test(scope, a_refused_place_leaks_nothing)
{
    size_t   start = live_after_warm_up();
    ml_scope scope = ml_scope_begin();
    for (int i = 0; i < 256; i++) ml_scalar(1, ML_F32);
    size_t full = ml_memory().live;
    int    n    = 1;
    for (;; n++) { /* the next one needs a longer list */
        ml_memory_fail_after(n);
        ml_tensor *t = ml_scalar(1, ML_F32);
        ml_memory_fail_after(0);
        if (t) break;
        cr_expect(ml_failed());
        cr_expect_eq(ml_memory().live, full, "refusal %d leaks", n);
    }
    cr_expect(n > 3 && ml_memory().live > full + 256 * sizeof(void *), "the list was expected to grow");
    ml_scope_end(&scope);
    cr_expect_eq(ml_memory().live, start + 256 * sizeof(void *), "only the longer list stays");
}

Test(scope, a_huge_one_gives_its_list_back)
{
    ml_scope scope = ml_scope_begin();
    for (int k = 0; k < 5000; k++) ml_scalar(1, ML_F32);
    ml_scope_end(&scope);
    cr_expect_eq(ml_memory().live, 0u);
}

Test(scope, returning_survives_a_refused_place)
{
    size_t     start = live_after_warm_up();
    ml_tensor *t     = ml_retain(ml_scalar(1, ML_F32));
    ml_scope   all   = ml_scope_begin();
    for (int i = 0; i < 255; i++) ml_scalar(1, ML_F32); /* with t itself: 256 */
    ml_scope inner = ml_scope_begin();
    ml_memory_fail_after(1);
    cr_expect_null(ml_scope_return(&inner, t));
    cr_expect(ml_failed());
    ml_memory_fail_after(0);
    cr_expect_eq(atomic_load(&t->refs), 2, "ours and that of the outermost scope");
    ml_scope_end(&all);
    ml_release(t);
    ml_scope whole = { 0 };
    ml_scope_end(&whole);
    cr_expect_eq(ml_memory().live, start);
}

static void *use_a_scope(void *unused)
{
    ml_scope scope = ml_scope_begin();
    ml_zeros(ML_SHAPE(10), ML_F32);
    ml_scope_end(&scope);
    return unused;
}

Test(scope, is_one_per_thread_and_goes_with_it)
{
    size_t    start = live_after_warm_up();
    ml_tensor *mine = ml_ones(ML_SHAPE(2), ML_F32);
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        cr_assert_eq(pthread_create(&thread, NULL, use_a_scope, NULL), 0);
        pthread_join(thread, NULL);
    }
    EXPECT_VALUES(mine, 1, 1);
    ml_scope whole = { 0 };
    ml_scope_end(&whole);
    cr_expect_eq(ml_memory().live, start, "%d bytes stay behind three threads",
                 (int)(ml_memory().live - start));
}

/* --- making ------------------------------------------------------------------------------------------------------ */
Test(make, constants)
{
    for (int d = 0; d < ML_DTYPE_COUNT; d++) {
        ml_dtype dtype = (ml_dtype)d;
        EXPECT_VALUES(ml_zeros(ML_SHAPE(2, 2), dtype), 0, 0, 0, 0);
        EXPECT_VALUES(ml_ones(ML_SHAPE(3), dtype), 1, 1, 1);
        EXPECT_VALUES(ml_scalar(1, dtype), 1);
        EXPECT_VALUES(ml_eye(2, dtype), 1, 0, 0, 1);
        cr_expect_eq(ml_tensor_dtype(ml_zeros(ML_SHAPE(1), dtype)), dtype);
        cr_expect_eq(ml_tensor_numel(ml_zeros(ML_SHAPE(3, 0), dtype)), 0);
    }
    EXPECT_VALUES(ml_full(ML_SHAPE(2), ML_F32, 0.1), (double)0.1f, (double)0.1f);
    EXPECT_VALUES(ml_full(ML_SHAPE(2), ML_I64, -7), -7, -7);
    EXPECT_VALUES(ml_full(ML_SHAPE(2), ML_BOOL, 0.5), 1, 1);
    EXPECT_VALUES(ml_number(2.5), 2.5);
    cr_expect_eq(ml_tensor_numel(ml_eye(0, ML_F32)), 0);
    EXPECT_VALUES(ml_eye_of(2, 3, ML_I64), 1, 0, 0, 0, 1, 0);
    EXPECT_VALUES(ml_eye_of(3, 1, ML_F64), 1, 0, 0);
    expect_fails(ml_eye_of(2, -1, ML_F64), "shape: sizes must not be negative");
    EXPECT_VALUES(ml_from(ML_SHAPE(2, 1), ML_I64, (int64_t[]){ 5, 6 }), 5, 6);
}

Test(make, progressions)
{
    EXPECT_VALUES(ml_arange(0, 5, 1, ML_I64), 0, 1, 2, 3, 4);
    EXPECT_VALUES(ml_arange(5, 0, -2, ML_F32), 5, 3, 1);
    EXPECT_VALUES(ml_arange(0, 1, 0.25, ML_F64), 0, 0.25, 0.5, 0.75);
    cr_expect_eq(ml_tensor_numel(ml_arange(0, 1, 0.1, ML_F64)), 10);
    cr_expect_eq(ml_tensor_numel(ml_arange(3, 3, 1, ML_F64)), 0);
    cr_expect_eq(ml_tensor_numel(ml_arange(3, 0, 1, ML_F64)), 0);
    expect_fails(ml_arange(0, 5, 0, ML_F32), "arange: step must not be 0");
    expect_fails(ml_arange(0, INFINITY, 1, ML_F32), "arange: ");
    expect_fails(ml_arange(NAN, 1, 1, ML_F32), "arange: ");
    expect_fails(ml_arange(0, 1e30, 1, ML_F32), "arange: ");
    EXPECT_VALUES(ml_linspace(0, 1, 5, ML_F64), 0, 0.25, 0.5, 0.75, 1);
    EXPECT_VALUES(ml_linspace(2, -2, 3, ML_F32), 2, 0, -2);
    EXPECT_VALUES(ml_linspace(3, 9, 1, ML_F64), 3);
    expect_fails(ml_linspace(0, 1, 0, ML_F32), "linspace: n must be at least 1, got 0");
    EXPECT_VALUES(ml_logspace(0, 2, 3, 10, ML_F64), 1, 10, 100);
    EXPECT_VALUES(ml_logspace(3, 3, 1, 2, ML_I64), 8);
    expect_fails(ml_logspace(0, 1, 0, 10, ML_F32), "logspace: n must be at least 1, got 0");
    expect_fails(ml_logspace(0, 1, 2, 0, ML_F32), "logspace: the base must be positive, got 0");
}

Test(make, linspace_ends_exactly_where_it_should)
{
    for (int n = 2; n < 200; n++) {
        for (double stop = -0.9; stop < 2; stop += 0.1) {
            ml_scope      scope = ml_scope_begin();
            const double *v     = ml_tensor_data(ml_linspace(0.1, stop, n, ML_F64));
            cr_expect(v[0] == 0.1 && v[n - 1] == stop, "n = %d: ends at %.17g, not %.17g", n, v[n - 1], stop);
            ml_scope_end(&scope);
        }
    }
}

Test(make, impossible_shapes_have_a_message)
{
    int64_t big = (int64_t)1 << 40;
    expect_fails(ml_zeros(ML_SHAPE(-1, 3), ML_F32), "(-1, 3)");
    expect_fails(ml_zeros(ML_SHAPE(-1, 3), ML_F32), "must not be negative");
    expect_fails(ml_empty(ML_SHAPE(big, big), ML_F32),
                 "a tensor of shape (1099511627776, 1099511627776) does not fit into any memory");
    expect_fails(ml_empty(ML_SHAPE(INT64_MAX), ML_F64), "does not fit into any memory");
    expect_fails(ml_empty(ML_SHAPE(0, big, big), ML_F32), "does not fit into any memory");
    expect_fails(ml_empty(ML_SHAPE(big, big, 0), ML_F32), "does not fit into any memory");
    expect_fails(ml_empty(ML_SHAPE(big, 64), ML_F32), "out of memory");
    cr_expect_eq(ml_tensor_numel(ml_empty(ML_SHAPE(0, big), ML_F32)), 0);
    ml_memory_set_cap(1 << 20);
    expect_fails(ml_zeros(ML_SHAPE(1000, 1000), ML_F32), "out of memory: 3.8 MB more asked for, ");
}

/* --- looking, and views that the core makes ------------------------------------------------------------------------ */
Test(tensor, says_what_it_is)
{
    ml_tensor *t     = ml_zeros(ML_SHAPE(2, 3), ML_I64);
    ml_shape   shape = ml_tensor_shape(t);
    cr_expect_eq(ml_tensor_ndim(t), 2);
    cr_expect_eq(ml_tensor_size(t, 0), 2);
    cr_expect_eq(ml_tensor_size(t, 1), 3);
    cr_expect_eq(ml_tensor_size(t, 2), 0);
    cr_expect_eq(ml_tensor_size(t, -1), 0);
    cr_expect(ml_shape_equal(&(ml_shape){ 2, { 2, 3 } }, &shape));
    cr_expect(ml_tensor_is_contiguous(t));
    cr_expect(!ml_tensor_requires_grad(t));
    cr_expect_null(ml_tensor_grad(t));
}

Test(tensor, null_in_null_out)
{
    ml_fail("first");
    cr_expect(ml_tensor_ndim(NULL) == 0 && ml_tensor_numel(NULL) == 0 && ml_tensor_size(NULL, 0) == 0);
    cr_expect(!ml_tensor_is_contiguous(NULL));
    cr_expect(isnan(ml_item(NULL)) && isnan(ml_tensor_at(NULL, NULL)));
    cr_expect(!ml_tensor_set_at(NULL, NULL, 1) && !ml_tensor_copy_out(NULL, ML_F32, NULL) &&
              !ml_copy_into(NULL, NULL));
    cr_expect(!ml_tensor_data(NULL) && !ml_tensor_mutable_data(NULL) && !ml_tensor_text(NULL));
    cr_expect(!ml_detach(NULL) && !ml_clone(NULL) && !ml_requires_grad(NULL, true) && !ml_tensor_grad(NULL));
    ml_tensor_zero_grad(NULL);
    cr_expect_str_eq(ml_error_message(), "first", "the first message stays");
}

Test(tensor, contiguity)
{
    ml_tensor *t = ml_zeros(ML_SHAPE(4, 1, 6), ML_F32);
    static const struct {
        ml_shape shape;
        int64_t  strides[3], offset;
        bool     contiguous;
    } views[] = {
        { { 3, { 4, 1, 6 } }, { 6, 6, 1 }, 0, true },
        { { 3, { 4, 1, 6 } }, { 6, 999, 1 }, 0, true }, /* a dimension of size 1 may have any stride */
        { { 2, { 6, 4 } }, { 1, 6 }, 0, false },
        { { 2, { 4, 3 } }, { 6, 2 }, 0, false },
        { { 2, { 2, 6 } }, { 6, 1 }, 12, true },
        { { 2, { 4, 3 } }, { 6, 1 }, 1, false },
        { { 2, { 5, 6 } }, { 0, 1 }, 0, false },
        { { 2, { 1, 6 } }, { 0, 1 }, 0, true },
        { { 1, { 1 } }, { 0 }, 23, true },
        { { 2, { 0, 6 } }, { 1, 4 }, 0, true },
    };
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        ml_tensor *v = mli_view(t, views[i].shape, views[i].strides, views[i].offset);
        cr_expect_eq(ml_tensor_is_contiguous(v), views[i].contiguous, "view %zu", i);
        if (views[i].contiguous) cr_expect_not_null(ml_tensor_data(v));
        else expect_fails(ml_tensor_data(v), "data: the tensor");
    }
}

Test(tensor, single_values)
{
    ml_tensor *t = ml_zeros(ML_SHAPE(2, 3), ML_F64);
    cr_expect(ml_tensor_set_at(t, (int64_t[]){ 1, 2 }, 7.5));
    cr_expect_eq(ml_tensor_at(t, (int64_t[]){ 1, 2 }), 7.5);
    ml_tensor *turned = mli_view(t, ML_SHAPE(3, 2), (int64_t[]){ 1, 3 }, 0);
    cr_expect_eq(ml_tensor_at(turned, (int64_t[]){ 2, 1 }), 7.5);
    cr_expect(ml_tensor_set_at(turned, (int64_t[]){ 0, 1 }, -1));
    EXPECT_VALUES(t, 0, 0, 0, -1, 0, 7.5);
    expect_fails(ml_tensor_set_at(t, (int64_t[]){ 2, 0 }, 1),
                 "at: position 2 of dimension 0 is outside 0..1");
    expect_fails(ml_tensor_set_at(t, (int64_t[]){ 0, -1 }, 1), "position -1 of dimension 1 is outside 0..2");
    ml_error_clear();
    cr_expect(isnan(ml_tensor_at(t, (int64_t[]){ 0, 3 })) && ml_failed());
    ml_error_clear();
    cr_expect(isnan(ml_item(t)));
    cr_expect_str_eq(ml_error_message(), "item: needs a tensor with one value, got shape (2, 3)");
    cr_expect_eq(ml_item(ml_full(ML_SHAPE(1, 1), ML_U8, 200)), 200);
    cr_expect_eq(ml_item(ml_scalar(-3, ML_I64)), -3);
}

Test(tensor, modifications_are_counted)
{
    ml_tensor *t = ml_zeros(ML_SHAPE(2), ML_F32), *alias = ml_detach(t);
    uint32_t   version = t->storage->version;
    ml_tensor_data(t);
    ml_tensor_at(t, (int64_t[]){ 0 });
    cr_expect_eq(t->storage->version, version, "reading is no modification");
    ml_tensor_mutable_data(alias);
    cr_expect_eq(t->storage->version, version + 1);
    ml_tensor_set_at(alias, (int64_t[]){ 0 }, 1);
    cr_expect_eq(t->storage->version, version + 2);
    ml_copy_into(t, ml_ones(ML_SHAPE(2), ML_F32));
    cr_expect_eq(t->storage->version, version + 3);
    ml_copy_into(t, ml_ones(ML_SHAPE(3), ML_F32));
    cr_expect_eq(t->storage->version, version + 3, "a refused copy is none");
}

Test(tensor, leaves)
{
    ml_tensor *t = ml_zeros(ML_SHAPE(2), ML_F32);
    cr_expect_eq(ml_requires_grad(t, true), t);
    cr_expect(ml_tensor_requires_grad(t));
    cr_expect(!ml_tensor_requires_grad(ml_detach(t)));
    cr_expect(!ml_tensor_requires_grad(ml_clone(t)));
    cr_expect_eq(ml_requires_grad(t, false), t);
    cr_expect(!ml_tensor_requires_grad(t));
    expect_fails(ml_requires_grad(ml_zeros(ML_SHAPE(2), ML_I64), true),
                 "requires_grad: only f32 and f64 have gradients, this tensor is i64");
    cr_expect_not_null(ml_requires_grad(ml_zeros(ML_SHAPE(2), ML_BOOL), false));
}

/* --- copies -------------------------------------------------------------------------------------------------------- */
Test(copy, converts_between_all_dtypes)
{
    ml_tensor *from[ML_DTYPE_COUNT] = {
        [ML_F32]  = ml_from(ML_SHAPE(3), ML_F32, (float[]){ 0, 1, 2.75f }),
        [ML_F64]  = ml_from(ML_SHAPE(3), ML_F64, (double[]){ 0, 1, 2.75 }),
        [ML_I64]  = ml_from(ML_SHAPE(3), ML_I64, (int64_t[]){ 0, 1, 2 }),
        [ML_U8]   = ml_from(ML_SHAPE(3), ML_U8, (uint8_t[]){ 0, 1, 2 }),
        [ML_BOOL] = ml_from(ML_SHAPE(3), ML_BOOL, (uint8_t[]){ 0, 1, 1 }),
    };
    for (int d = 0; d < ML_DTYPE_COUNT; d++) {
        double  last = d == ML_BOOL ? 1 : ml_dtype_is_float((ml_dtype)d) ? 2.75 : 2;
        float   f[3];
        double  g[3];
        int64_t i[3];
        uint8_t u[3], b[3];
        ml_tensor_copy_out(from[d], ML_F32, f);
        ml_tensor_copy_out(from[d], ML_F64, g);
        ml_tensor_copy_out(from[d], ML_I64, i);
        ml_tensor_copy_out(from[d], ML_U8, u);
        ml_tensor_copy_out(from[d], ML_BOOL, b);
        const char *name = ml_dtype_name((ml_dtype)d);
        cr_expect(f[0] == 0 && f[1] == 1 && (double)f[2] == last, "%s to f32: %g", name, (double)f[2]);
        cr_expect(g[0] == 0 && g[1] == 1 && g[2] == last, "%s to f64: %g", name, g[2]);
        cr_expect(i[0] == 0 && i[1] == 1 && i[2] == (int64_t)last, "%s to i64: %d", name, (int)i[2]);
        cr_expect(u[0] == 0 && u[1] == 1 && u[2] == (uint8_t)last, "%s to u8: %d", name, u[2]);
        cr_expect(b[0] == 0 && b[1] == 1 && b[2] == 1, "%s to bool: %d", name, b[2]);
    }
    int64_t whole;
    ml_tensor_copy_out(ml_scalar(-2.9, ML_F64), ML_I64, &whole);
    cr_expect_eq(whole, -2, "towards zero, as C does");
    uint8_t truth;
    ml_tensor_copy_out(ml_scalar(NAN, ML_F32), ML_BOOL, &truth);
    cr_expect_eq(truth, 1, "NaN is not 0");
    ml_tensor_copy_out(ml_scalar(-0.0, ML_F32), ML_BOOL, &truth);
    cr_expect_eq(truth, 0);
}

Test(copy, reads_views_in_row_major_order)
{
    ml_tensor *t = ml_arange(0, 24, 1, ML_F32);
    EXPECT_VALUES(mli_view(t, ML_SHAPE(3, 2), (int64_t[]){ 1, 3 }, 6), 6, 9, 7, 10, 8, 11);
    EXPECT_VALUES(mli_view(t, ML_SHAPE(2, 2, 2), (int64_t[]){ 1, 12, 4 }, 3), 3, 7, 15, 19, 4, 8, 16, 20);
    EXPECT_VALUES(mli_view(t, ML_SHAPE(2, 3), (int64_t[]){ 0, 5 }, 1), 1, 6, 11, 1, 6, 11);
    EXPECT_VALUES(mli_view(t, ML_SHAPE(2, 2), (int64_t[]){ 4, 0 }, 0), 0, 0, 4, 4);
    EXPECT_VALUES(ml_clone(mli_view(t, ML_SHAPE(2, 2), (int64_t[]){ 1, 2 }, 0)), 0, 2, 1, 3);
    cr_expect(ml_tensor_is_contiguous(ml_clone(mli_view(t, ML_SHAPE(2, 2), (int64_t[]){ 1, 2 }, 0))));
    ml_tensor *same = mli_contiguous(t);
    cr_expect_eq(same, t, "what is contiguous is not copied");
    cr_expect_neq(mli_contiguous(mli_view(t, ML_SHAPE(2, 2), (int64_t[]){ 1, 2 }, 0)), NULL);
    double nothing = 42;
    cr_expect(ml_tensor_copy_out(ml_zeros(ML_SHAPE(0, 3), ML_F32), ML_F64, &nothing));
    cr_expect_eq(nothing, 42);
}

Test(copy, into_another)
{
    ml_tensor *dst = ml_zeros(ML_SHAPE(2, 2), ML_F32),
              *src = ml_from(ML_SHAPE(2, 2), ML_I64, (int64_t[]){ 1, 2, 3, 4 });
    cr_expect(ml_copy_into(dst, src));
    EXPECT_VALUES(dst, 1, 2, 3, 4);
    cr_expect(ml_copy_into(dst, mli_view(dst, ML_SHAPE(2, 2), (int64_t[]){ 1, 2 }, 0)), "its own transpose");
    EXPECT_VALUES(dst, 1, 3, 2, 4);
    expect_fails(ml_copy_into(dst, ml_zeros(ML_SHAPE(4), ML_F32)), "copy: shapes differ: (4) into (2, 2)");
    cr_expect(ml_copy_into(mli_view(dst, ML_SHAPE(2, 2), (int64_t[]){ 1, 2 }, 0), src), "a transposed target");
    EXPECT_VALUES(dst, 1, 3, 2, 4);
    expect_fails(ml_copy_into(mli_view(dst, ML_SHAPE(2, 2), (int64_t[]){ 0, 1 }, 0), src),
                 "copy: the target (2, 2) shows some of its values more than once");
    ml_memory_fail_after(1);
    expect_fails(ml_copy_into(dst, mli_view(dst, ML_SHAPE(2, 2), (int64_t[]){ 1, 2 }, 0)), "out of memory");
    ml_memory_fail_after(0);
    EXPECT_VALUES(dst, 1, 3, 2, 4);
}

Test(copy, a_clone_is_independent_and_a_detached_view_is_not)
{
    ml_tensor *t = ml_ones(ML_SHAPE(2), ML_F64), *clone = ml_clone(t), *alias = ml_detach(t);
    ml_tensor_set_at(t, (int64_t[]){ 0 }, 9);
    EXPECT_VALUES(clone, 1, 1);
    EXPECT_VALUES(alias, 9, 1);
}

/* --- every allocation fails once ------------------------------------------------------------------------------------ */
static ml_tensor *make_nothing(void) { return ml_empty(ML_SHAPE(3), ML_F32); }
static ml_tensor *make_progression(void) { return ml_arange(0, 9, 1, ML_F32); }
static ml_tensor *make_eye(void) { return ml_eye(3, ML_F32); }
static ml_tensor *make_clone(void) { return ml_clone(ml_ones(ML_SHAPE(3), ML_F32)); }
static ml_tensor *make_detached(void) { return ml_detach(ml_ones(ML_SHAPE(3), ML_F32)); }
static ml_tensor *make_random(void) { return ml_randn(ML_SHAPE(3), ML_F32, ml_key_of(1, 1)); }
static ml_tensor *make_powers(void) { return ml_logspace(0, 1, 4, 10, ML_F32); }
static ml_tensor *make_coins(void) { return ml_bernoulli(ml_full(ML_SHAPE(3), ML_F32, 0.5), ML_F32, ml_key_of(1, 1)); }
static ml_tensor *make_permutation(void) { return ml_randperm(3, ml_key_of(1, 1)); }

Test(make, survives_refused_memory)
{
    ml_tensor *(*const makers[])(void) = { make_nothing,  make_progression, make_eye,        make_clone,
                                           make_detached, make_random,      make_permutation, make_powers, make_coins };
    size_t start = live_after_warm_up();
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        for (int n = 1;; n++) {
            cr_assert(n < 100);
            ml_error_clear();
            ml_scope scope = ml_scope_begin();
            ml_memory_fail_after(n);
            ml_tensor *t = makers[i]();
            ml_memory_fail_after(0);
            ml_scope_end(&scope);
            cr_expect_eq(ml_memory().live, start, "maker %zu, refusal %d leaks", i, n);
            if (t) {
                cr_expect(n > 2, "maker %zu asked for %d blocks", i, n - 1);
                break;
            }
            cr_expect(strstr(ml_error_message(), "out of memory"), "maker %zu says '%s'", i,
                      ml_error_message());
        }
    }
}

/* --- the largest ----------------------------------------------------------------------------------------------- */
static const char *somewhere(void *ctx) { return ctx; }

Test(memory, the_largest_is_told_with_its_place)
{
    ml_largest l;
    ml_scope   scope = ml_scope_begin();
    ml_empty(ML_SHAPE((1 << 17) - 1), ML_F64);
    cr_expect(!ml_memory_largest(&l), "below 1 MiB nobody is noted");
    ml_set_site_hook(somewhere, "a.lua:1");
    ml_tensor *big = ml_retain(ml_empty(ML_SHAPE(1 << 10, 1 << 9), ML_F64));
    ml_set_site_hook(somewhere, "b.lua:2");
    ml_tensor *view = ml_retain(ml_detach(ml_empty(ML_SHAPE(1 << 20), ML_F32))); /* as many bytes: the first one counts */
    ml_set_site_hook(NULL, NULL);
    ml_empty(ML_SHAPE(1 << 20), ML_U8);
    ml_scope_end(&scope);
    cr_assert(ml_memory_largest(&l));
    cr_expect_eq(l.bytes, (size_t)1 << 22);
    cr_expect(l.dtype == ML_F64 && ml_shape_equal(&l.shape, &(ml_shape){ 2, { 1 << 10, 1 << 9 } }));
    cr_expect_str_eq(l.site, "a.lua:1");
    ml_release(big);
    cr_expect(ml_memory_largest(&l) && l.dtype == ML_F32, "a view keeps the values of its tensor");
    cr_expect_str_eq(l.site, "b.lua:2");
    ml_release(view);
    cr_expect(!ml_memory_largest(&l));
}

Test(memory, the_largest_is_found_among_more_than_can_be_noted)
{
    ml_largest l;
    ml_scope   scope = ml_scope_begin();
    for (int i = 0; i < 300; i++) cr_assert_not_null(ml_empty(ML_SHAPE((1 << 20) + 4096 * (i * 7 % 300)), ML_U8));
    cr_expect(ml_memory_largest(&l) && l.bytes == (1 << 20) + 4096 * 299);
    ml_scope_end(&scope);
    cr_expect(!ml_memory_largest(&l));
}
