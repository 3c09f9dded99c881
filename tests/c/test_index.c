/* x[...] from C: inside vmap, without memory, with derivatives, with keys that fit nothing. What is read and written with which
 * key is held against NumPy in tests/lua/index_spec.lua. */
#include "checks.h"

#include "autograd/node.h"
#include "moonlab/index.h"
#include "moonlab/transform.h"

TestSuite(index, .init = begin_test, .fini = end_test);

static ml_tensor *counting(ml_shape shape)
{
    return ml_reshape(ml_arange(1, (double)ml_shape_numel(&shape) + 1, 1, ML_F64), &(ml_reshape_opts){ shape });
}

static ml_tensor *ids_of(int64_t a, int64_t b) { return ml_from(ML_SHAPE(2), ML_I64, (int64_t[]){ a, b }); }

static ml_tensor *mask_of(bool a, bool b, bool c) { return ml_from(ML_SHAPE(3), ML_BOOL, (uint8_t[]){ a, b, c }); }

/* Keys for a tensor of shape (3, 4, 2); all that differ in kind. */
enum { N_KEYS = 8 };
static int key_at(int i, ml_pick p[3])
{
    switch (i) {
    case 0: p[0] = ML_PICK_AT(-1), p[1] = ML_PICK_RANGE(0, 4, 3); return 2;
    case 1: p[0] = ML_PICK_TENSOR(ids_of(2, 0)); return 1;
    case 2: p[0] = ML_PICK_ALL, p[1] = ML_PICK_TENSOR(ids_of(3, -3)), p[2] = ML_PICK_AT(1); return 3;
    case 3: p[0] = ML_PICK_TENSOR(ids_of(2, 0)), p[1] = ML_PICK_ALL, p[2] = ML_PICK_TENSOR(ids_of(1, 0)); return 3;
    case 4: p[0] = ML_PICK_TENSOR(mask_of(true, false, true)); return 1;
    case 5: p[0] = ML_PICK_TENSOR(mask_of(true, false, true)), p[1] = ML_PICK_TENSOR(ids_of(1, 2)); return 2;
    case 6: p[0] = ML_PICK_TENSOR(ml_unsqueeze(ids_of(2, 0), &(ml_unsqueeze_opts){ 1 })), p[1] = ML_PICK_TENSOR(ids_of(0, 3)); return 2;
    default: p[0] = ML_PICK_ALL, p[1] = ML_PICK_TENSOR(ml_gt(counting(ML_SHAPE(4, 2)), ml_number(5))); return 2;
    }
}

/* --- inside vmap ------------------------------------------------------------------------------------------------------------- */
typedef struct {
    ml_pick picks[3];
    int     n, ids; /* which pick holds the second input; -1: none */
} indexing;

static bool call_index(void *ctx, ml_tensor *const *in, ml_tensor **out)
{
    indexing k = *(const indexing *)ctx;
    if (k.ids >= 0) k.picks[k.ids].tensor = in[1];
    out[0] = ml_index(in[0], k.picks, k.n);
    return out[0] != NULL;
}

static ml_tensor *row(ml_tensor *x, int64_t i) { return ml_index(x, &ML_PICK_AT(i), 1); }

static void compare_with_loop(indexing *k, ml_tensor *x, ml_tensor *ids, bool each_x, bool each_ids)
{
    ml_function f    = { call_index, k, ids ? 2 : 1, 1 };
    ml_tensor  *in[] = { x, ids }, *y, *one[2];
    int         dims[] = { each_x ? 0 : ML_WHOLE, each_ids ? 0 : ML_WHOLE };
    if (!expect(ml_vmap(&f, in, dims, &y, NULL), "vmap of a key")) return;
    for (int b = 0; b < 2; b++) {
        ml_tensor *of_one[] = { each_x ? row(x, b) : x, each_ids ? row(ids, b) : ids };
        if (!expect(call_index(k, of_one, &one[b]), "of one")) return;
    }
    expect_same(y, ml_stack(one, 2, NULL), "vmap of a key and the loop");
}

Test(index, inside_vmap_is_the_loop)
{
    ml_tensor *x = counting(ML_SHAPE(2, 3, 4, 2)), *ids = ml_from(ML_SHAPE(2, 2), ML_I64, (int64_t[]){ 0, 1, 2, 1 });
    for (int i = 0; i < N_KEYS; i++) {
        indexing k = { .ids = -1 };
        k.n = key_at(i, k.picks);
        compare_with_loop(&k, x, NULL, true, false);
        for (int p = 0; p < k.n; p++) {
            if (!k.picks[p].tensor || ml_tensor_dtype(k.picks[p].tensor) != ML_I64 || (i == 3 && p == 2) || i == 6) continue;
            k.ids = p;
            compare_with_loop(&k, x, ids, true, true);
            compare_with_loop(&k, x, ids, true, false);
            compare_with_loop(&k, row(x, 0), ids, false, true);
        }
    }
}

static bool call_mask(void *ctx, ml_tensor *const *in, ml_tensor **out)
{
    (void)ctx;
    out[0] = ml_index(in[0], &ML_PICK_TENSOR(in[1]), 1);
    return out[0] != NULL;
}

/* in[0][in[1]] = in[2], of a copy when there is a batch of it */
static bool call_assign(void *ctx, ml_tensor *const *in, ml_tensor **out)
{
    out[0] = *(const bool *)ctx ? in[0] : ml_mul(in[0], ml_number(1));
    return out[0] && ml_index_assign(out[0], &ML_PICK_TENSOR(in[1]), 1, in[2]);
}

Test(index, inside_vmap_refuses_what_differs)
{
    ml_tensor  *x = counting(ML_SHAPE(2, 3)), *y, *in[] = { x, ml_gt(x, ml_number(2)), ml_scalar(0, ML_F64) };
    bool        outside = true;
    ml_function mask = { call_mask, NULL, 2, 1 }, assign = { call_assign, &outside, 3, 1 };
    expect(!ml_vmap(&mask, in, (int[]){ 0, 0 }, &y, NULL), "a mask of each");
    expect_message("index", "a mask of each");
    in[0] = counting(ML_SHAPE(3));
    expect(!ml_vmap(&assign, in, (int[]){ ML_WHOLE, 0, ML_WHOLE }, &y, NULL), "a mask of each for one tensor");
    expect_message("assign", "a mask of each for one tensor");
}

Test(index, inside_vmap_writes_into_each)
{
    ml_tensor  *x = counting(ML_SHAPE(2, 3)), *y, *mask = ml_from(ML_SHAPE(2, 3), ML_BOOL, (uint8_t[]){ 1, 0, 1, 0, 0, 1 });
    ml_tensor  *ids = ml_from(ML_SHAPE(2, 2), ML_I64, (int64_t[]){ 0, -1, 1, 0 }), *values = ml_from(ML_SHAPE(2, 2), ML_F64, (double[]){ 7, 8, 9, 10 });
    bool        outside = false;
    ml_function f = { call_assign, &outside, 3, 1 };
    expect(ml_vmap(&f, (ml_tensor *[]){ x, mask, ml_scalar(0, ML_F64) }, (int[]){ 0, 0, ML_WHOLE }, &y, NULL), "a mask of each");
    expect_same(y, ml_from(ML_SHAPE(2, 3), ML_F64, (double[]){ 0, 2, 0, 4, 5, 0 }), "a mask of each");
    expect(ml_vmap(&f, (ml_tensor *[]){ x, ids, values }, (int[]){ 0, 0, 0 }, &y, NULL), "positions and values of each");
    expect_same(y, ml_from(ML_SHAPE(2, 3), ML_F64, (double[]){ 7, 2, 8, 10, 9, 6 }), "positions and values of each");
    expect_same(x, counting(ML_SHAPE(2, 3)), "what they were copied from");
}

/* --- derivatives ----------------------------------------------------------------------------------------------------------------- */
/* sum x[key]^3 has the gradient 3 c x^2 and the gradient of its sum 6 c x, c times each place was picked. */
Test(index, has_derivatives_of_any_order)
{
    for (int i = 0; i < N_KEYS; i++) {
        ml_pick    p[3];
        int        n    = key_at(i, p);
        ml_tensor *x    = ml_requires_grad(counting(ML_SHAPE(3, 4, 2)), true), *counts, *first, *second;
        ml_tensor *y    = ml_index(x, p, n), *cube = ml_sum(ml_mul(y, ml_square(y)), NULL);
        expect(ml_grad(ml_sum(y, NULL), &x, 1, &counts, &(ml_grad_opts){ .keep_graph = true }), "key %d: once", i);
        expect(ml_grad(cube, &x, 1, &first, &(ml_grad_opts){ .create_graph = true }), "key %d: gradient", i);
        expect(ml_grad(ml_sum(first, NULL), &x, 1, &second, NULL), "key %d: second gradient", i);
        expect(ml_item(ml_sum(counts, NULL)) == (double)ml_tensor_numel(y), "key %d: a place is lost", i);
        expect_close(first, ml_mul(counts, ml_mul(ml_number(3), ml_square(x))), 1e-14, "key %d: gradient", i);
        expect_close(second, ml_mul(counts, ml_mul(ml_number(6), x)), 1e-14, "key %d: second gradient", i);
    }
}

/* --- failures --------------------------------------------------------------------------------------------------------------------- */
Test(index, without_memory_changes_nothing)
{
    for (int i = 0; i < N_KEYS; i++) {
        ml_scope   scope = ml_scope_begin();
        ml_pick    p[3];
        int        n = key_at(i, p);
        ml_tensor *x = counting(ML_SHAPE(3, 4, 2)), *before = ml_clone(x), *y = ml_clone(ml_index(x, p, n));
        for (int writes = 0; writes < 2; writes++) {
            size_t live = ml_memory().live;
            for (int k = 1; k < 200; k++) {
                ml_scope inner = ml_scope_begin();
                ml_memory_fail_after(k);
                bool ok = writes ? ml_index_assign(x, p, n, y) : ml_index(x, p, n) != NULL;
                ml_memory_fail_after(0);
                ml_scope_end(&inner);
                expect_same(x, before, "key %d: after refusal %d", i, k); /* what is written is what was there */
                if (ok) break;
                expect(strstr(ml_error_message(), "out of memory") != NULL, "key %d: refusal %d says '%s'", i, k, ml_error_message());
                expect(ml_memory().live <= live, "key %d: refusal %d leaks", i, k);
                ml_error_clear();
                expect(k < 199, "key %d never succeeds", i);
            }
        }
        expect(ml_index_assign(x, p, n, ml_neg(y)), "key %d: written", i);
        expect_same(ml_index(x, p, n), ml_neg(y), "key %d: written and read", i);
        ml_scope_end(&scope);
    }
}

Test(index, random_keys_are_used_or_refused)
{
    int n_ok = 0, n_refused = 0;
    for (uint64_t k = 0; k < 4000; k++) {
        ml_scope scope = ml_scope_begin();
        uint32_t r[4];
        ml_pick  p[3];
        ml_philox(ml_key_of(3, 1), k, r);
        int        n = (int)(r[0] % 4);
        ml_tensor *x = ml_rand(r[0] & 64 ? ML_SHAPE(3, 2, 4) : ML_SHAPE(2, 0, 3), ML_F64, ml_key_of(4, k));
        for (int i = 0; i < n; i++) {
            uint32_t   s[4];
            ml_philox(ml_key_of(5, k), (uint64_t)i, s);
            static const int64_t numbers[] = { 0, 1, -1, 2, -3, 5, INT64_MAX, INT64_MIN };
            ml_shape   shape = s[1] & 1 ? ML_SHAPE(2) : s[1] & 2 ? ML_SHAPE(3) : s[1] & 4 ? ML_SHAPE(3, 2) : ML_SCALAR;
            ml_tensor *t     = ml_randint(-3, 3, shape, ml_key_of(6, 3 * k + (uint64_t)i));
            switch (s[0] % 5) {
            case 0: p[i] = ML_PICK_AT(numbers[s[2] % 8]); break;
            case 1: p[i] = ML_PICK_RANGE(numbers[s[2] % 8], numbers[s[2] / 8 % 8], numbers[s[2] / 64 % 8]); break;
            case 2: p[i] = ML_PICK_TENSOR(t); break;
            case 3: p[i] = ML_PICK_TENSOR(ml_cast(t, &(ml_cast_opts){ (ml_dtype)(s[3] % ML_DTYPE_COUNT) })); break;
            default: p[i] = ML_PICK_ALL; break;
            }
        }
        ml_tensor *y = ml_index(x, p, n);
        if (y) {
            double *values = values_of(y); /* the sanitizers watch */
            free(values);
            expect(ml_index_assign(x, p, n, ml_scalar(-1, ML_F64)), "what is read can be written");
            if (ml_tensor_numel(y) > 0) expect(ml_item(ml_max(ml_index(x, p, n), NULL)) == -1, "what was written is read");
            n_ok++;
        } else {
            expect(ml_failed(), "refused without a word");
            ml_error_clear();
            expect(!ml_index_assign(x, p, n, ml_scalar(-1, ML_F64)) && ml_failed(), "what cannot be read can be written");
            n_refused++;
        }
        ml_error_clear();
        ml_scope_end(&scope);
    }
    expect(n_ok > 500 && n_refused > 500, "%d keys fitted, %d did not", n_ok, n_refused);
}
