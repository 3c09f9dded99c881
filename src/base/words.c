/* Names nearly right: which known word was meant. */
#include "moonlab/base.h"

#include <string.h>

#define LONGEST 63

/* Edits from one word to the other: letters changed, put in, left out (Levenshtein 1966). */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST) return n > m ? n : m;
    size_t row[LONGEST + 1]; /* row[j]: from the first i letters of a to the first j of b */
    for (size_t j = 0; j <= m; j++) row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0]          = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]), insert = row[j - 1] + 1, remove = row[j] + 1;
            diagonal      = row[j];
            row[j]        = change < insert ? change : insert;
            if (remove < row[j]) row[j] = remove;
        }
    }
    return row[m];
}

const char *ml_nearest_word(const char *word, const char *const *known, int n)
{
    size_t length = strlen(word), limit = length <= 2 ? 1 : length <= 5 ? 2 : 3, least = length;
    const char *nearest = NULL;
    for (int i = 0; i < n; i++) {
        size_t d = distance(word, known[i]);
        if (d > limit || d >= least) continue; /* as many edits as letters is another word */
        least   = d;
        nearest = known[i];
    }
    return nearest;
}
