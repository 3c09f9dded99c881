/* Sorting rows. A value becomes an unsigned key whose order is the one wanted: negative floats with all bits turned, others
 * with the sign bit set, NaN above all, everything but NaN turned again for a falling order. Keys are sorted with the
 * positions they came from, by digits of 8 bits from the lowest (LSD radix sort): stable, O(n), the same work whatever the
 * values. Short rows are sorted by insertion, which is stable too. */
#include "kernels/kernels.h"

#include <string.h>

#define SHORT 48 /* the counts of one digit cost as much as inserting this many */

typedef struct {
    uint64_t key;
    int64_t  at;
} item;

size_t mlk_sort_scratch(int64_t n)
{
    return 2 * (size_t)n * sizeof(item);
}

static void insert(int64_t n, item *a)
{
    for (int64_t i = 1; i < n; i++) {
        item    moving = a[i];
        int64_t k      = i;
        for (; k > 0 && a[k - 1].key > moving.key; k--) a[k] = a[k - 1];
        a[k] = moving;
    }
}

/* Sorts a by keys of so many bytes, with b as room; returns which of the two holds the result. */
static item *sort_items(int64_t n, int bytes, item *a, item *b)
{
    if (n <= SHORT) {
        insert(n, a);
        return a;
    }
    int64_t count[8][256];
    memset(count, 0, (size_t)bytes * sizeof *count);
    for (int64_t i = 0; i < n; i++)
        for (int d = 0; d < bytes; d++) count[d][(a[i].key >> (8 * d)) & 255]++;
    for (int d = 0; d < bytes; d++) {
        if (count[d][(a[0].key >> (8 * d)) & 255] == n) continue; /* all have this digit */
        int64_t next = 0;
        for (int v = 0; v < 256; v++) {
            int64_t here = count[d][v];
            count[d][v]  = next;
            next += here;
        }
        for (int64_t i = 0; i < n; i++) b[count[d][(a[i].key >> (8 * d)) & 255]++] = a[i];
        item *swap = a;
        a          = b;
        b          = swap;
    }
    return a;
}

/* --- keys ----------------------------------------------------------------------------------------------------------- */
#define FLOAT_KEY(S, T, U, SIGN)                                    \
    static uint64_t key_##S(T x, bool descending)                   \
    {                                                               \
        U bits;                                                     \
        if (x != x) return (U)~(U)0;                                \
        if (x == 0) x = 0; /* -0 */                                 \
        memcpy(&bits, &x, sizeof bits);                             \
        bits = bits & SIGN ? (U)~bits : bits | SIGN;                \
        return descending ? (U)~bits : bits;                        \
    }
FLOAT_KEY(f32, float, uint32_t, UINT32_C(0x80000000))
FLOAT_KEY(f64, double, uint64_t, UINT64_C(0x8000000000000000))

static uint64_t key_i64(int64_t x, bool descending)
{
    uint64_t bits = (uint64_t)x ^ UINT64_C(0x8000000000000000);
    return descending ? ~bits : bits;
}

static uint64_t key_u8(uint8_t x, bool descending)
{
    return descending ? 255u - x : x;
}

#define SORT_ROWS(S, T)                                                                                                  \
    void mlk_sort_rows_##S(int64_t rows, int64_t n, const T *x, bool descending, int64_t *at, T *y, void *scratch)       \
    {                                                                                                                    \
        item *a = scratch;                                                                                               \
        for (int64_t r = 0; r < rows; r++) {                                                                             \
            const T *row = x + r * n;                                                                                    \
            for (int64_t i = 0; i < n; i++) a[i] = (item){ key_##S(row[i], descending), i };                             \
            const item *sorted = sort_items(n, (int)sizeof(T), a, a + n);                                                \
            for (int64_t i = 0; at && i < n; i++) at[r * n + i] = sorted[i].at;                                          \
            for (int64_t i = 0; y && i < n; i++) y[r * n + i] = row[sorted[i].at];                                       \
        }                                                                                                                \
    }
MLK_SORT(SORT_ROWS)
