/* CIFAR's binary files: records of one label (CIFAR-100: the coarse one, then the fine one) and an image of 3 planes of
 * 32 x 32 bytes. Nothing says which of the two it is, nor how many records there are: the size must fit. */
#include "io/io_impl.h"

#include "tensor/tensor_impl.h"

#define IMAGE 3072

typedef struct kind {
    int         n_labels;
    const char *names[2];
    int         classes[2];
} kind;

static const kind cifar10 = { 1, { "y" }, { 10 } }, cifar100 = { 2, { "coarse", "y" }, { 20, 100 } };

static bool read_records(const mli_source *src, const kind *k, int base, int64_t n, uint8_t *images, int64_t *labels[2])
{
    size_t record = (size_t)k->n_labels + IMAGE;
    for (int64_t i = 0; i < n; i++) {
        uint64_t at = (uint64_t)i * record;
        uint8_t  label[2];
        if (!mli_source_read(src, at, label, (size_t)k->n_labels) ||
            !mli_source_read(src, at + (uint64_t)k->n_labels, images + i * IMAGE, IMAGE)) return false;
        for (int j = 0; j < k->n_labels; j++) {
            if (label[j] >= k->classes[j])
                return mli_refuse(src, at + (uint64_t)j, "label %d of image %lld; there are %d classes, from 0 on", label[j], (long long)i + 1, k->classes[j]);
            labels[j][i] = label[j] + base;
        }
    }
    return true;
}

static bool read_kind(const mli_source *src, const kind *k, int base, ml_archive *into)
{
    uint64_t record = (uint64_t)k->n_labels + IMAGE;
    if (src->size == 0 || src->size % record != 0)
        return mli_refuse(src, src->size - src->size % record, "the file is no whole number of records of %llu bytes", (unsigned long long)record);
    int64_t    n     = (int64_t)(src->size / record), *labels[2];
    ml_scope   scope = ml_scope_begin();
    ml_tensor *x     = ml_empty(ML_SHAPE(n, 3, 32, 32), ML_U8), *y[2] = { NULL, NULL };
    bool       ok    = x != NULL;
    for (int j = 0; ok && j < k->n_labels; j++) {
        y[j] = ml_empty(ML_SHAPE(n), ML_I64);
        ok   = y[j] != NULL;
        if (ok) labels[j] = mli_data(y[j]);
    }
    ok = ok && read_records(src, k, base, n, mli_data(x), labels) && ml_archive_add(into, "x", x);
    for (int j = 0; ok && j < k->n_labels; j++) ok = ml_archive_add(into, k->names[j], y[j]);
    ml_scope_end(&scope);
    return ok;
}

static bool read10(const mli_source *src, const ml_load_opts *opts, ml_archive *into) { return read_kind(src, &cifar10, opts->base, into); }
static bool read100(const mli_source *src, const ml_load_opts *opts, ml_archive *into) { return read_kind(src, &cifar100, opts->base, into); }

const mli_format mli_cifar10  = { "cifar10", read10, NULL };
const mli_format mli_cifar100 = { "cifar100", read100, NULL };
