/* Arithmetic modulo p as a data set: an operation of one sign, or a polynomial in x and y. */
#include "moonlab/data.h"

#include <ctype.h>
#include <string.h>

#include "data/pairs.h"

#define LARGEST_P  4096
#define MOST_TERMS 16
#define HIGHEST    64 /* power */
/* A stream of its own, "modular" in ASCII: a script that uses one seed for weights (streams 1, 2, ...) and data gets
 * numbers that have nothing to do with each other. */
#define SPLIT_STREAM 0x6d6f64756c6172u

typedef struct term {
    int64_t factor; /* 0..p - 1 */
    int     of_x, of_y;
} term;

typedef struct operation {
    int64_t p;
    char    sign; /* '+', '-', '*' or '/'; 0: the polynomial */
    int     n_terms;
    term    terms[MOST_TERMS];
} operation;

/* --- reading the operation ------------------------------------------------------------------------------------------- */
static void skip(const char **at, const char *these)
{
    while (**at && strchr(these, **at)) ++*at;
}

/* Digits, as a number below `limit`; -1 when there are none or it is not below. */
static int64_t read_number(const char **at, int64_t limit)
{
    int64_t n = -1;
    while (isdigit((unsigned char)**at)) {
        n = (n < 0 ? 0 : n * 10) + (**at - '0');
        if (n >= limit) return -1;
        ++*at;
    }
    return n;
}

/* One term: factors without or with a * between them, such as 3x^2y. */
static bool read_term(const char **at, int64_t p, term *t)
{
    int n_factors = 0;
    *t            = (term){ .factor = 1 };
    for (skip(at, " "); **at && **at != '+' && **at != '-'; skip(at, " *"), n_factors++) {
        char    letter = **at;
        int64_t n;
        if (isdigit((unsigned char)letter)) {
            if ((n = read_number(at, INT32_MAX)) < 0) return false;
            t->factor = t->factor * (n % p) % p;
            continue;
        }
        if (letter != 'x' && letter != 'y') return false;
        ++*at;
        n = 1;
        if (**at == '^' && (++*at, (n = read_number(at, HIGHEST + 1)) < 0)) return false;
        *(letter == 'x' ? &t->of_x : &t->of_y) += (int)n;
        if (t->of_x > HIGHEST || t->of_y > HIGHEST) return false;
    }
    return n_factors > 0;
}

static bool read_operation(const char *text, operation *o)
{
    const char *at = text;
    bool        varies = false;
    if (strlen(text) == 1 && strchr("+-*/", *text)) return o->sign = *text, true;
    while (*at && o->n_terms < MOST_TERMS) {
        term *t    = &o->terms[o->n_terms];
        char  sign = '+';
        skip(&at, " ");
        if (*at == '-' || (*at == '+' && o->n_terms > 0)) sign = *at++;
        else if (o->n_terms > 0) return false;
        if (!read_term(&at, o->p, t)) return false;
        if (sign == '-') t->factor = (o->p - t->factor) % o->p;
        varies = varies || t->of_x > 0 || t->of_y > 0;
        o->n_terms++;
    }
    return !*at && varies;
}

static bool is_prime(int64_t p)
{
    for (int64_t d = 2; d * d <= p; d++)
        if (p % d == 0) return false;
    return p > 1;
}

static bool read_options(const ml_modular_opts *opts, operation *o)
{
    *o = (operation){ .p = opts->p };
    if (opts->p < 2 || opts->p > LARGEST_P) return ml_fail("modular: p must be 2..%d, got %lld", LARGEST_P, (long long)opts->p);
    if (!opts->op || !read_operation(opts->op, o))
        return ml_fail("modular: op must be \"+\", \"-\", \"*\", \"/\" or a polynomial such as \"x^2+xy+y^2\", got '%.40s'", opts->op ? opts->op : "");
    if (o->sign == '/' && !is_prime(o->p))
        return ml_fail("modular: division needs a prime p, and %lld is none: not every number has an inverse", (long long)o->p);
    return true;
}

/* --- answers -------------------------------------------------------------------------------------------------------------- */
static int64_t power(int64_t b, int64_t e, int64_t p)
{
    int64_t result = 1 % p;
    for (; e > 0; e /= 2) {
        if (e % 2) result = result * b % p;
        b = b * b % p;
    }
    return result;
}

static int64_t answer(const void *ctx, int64_t a, int64_t b)
{
    const operation *o = ctx;
    int64_t          sum = 0;
    switch (o->sign) {
    case '+': return (a + b) % o->p;
    case '-': return (a - b + o->p) % o->p;
    case '*': return a * b % o->p;
    case '/': return a * power(b, o->p - 2, o->p) % o->p; /* by Fermat; p is prime */
    }
    for (const term *t = o->terms; t < o->terms + o->n_terms; t++)
        sum += t->factor * power(a, t->of_x, o->p) % o->p * power(b, t->of_y, o->p) % o->p;
    return sum % o->p;
}

bool ml_data_modular(const ml_modular_opts *opts, ml_dataset *train, ml_dataset *test)
{
    operation o;
    if (!read_options(opts, &o)) return false;
    int       without_0 = o.sign == '/';
    mli_pairs pairs     = {
            .where = "modular", .n_a = o.p, .n_b = o.p - without_0, .first_b = without_0, .answer = answer, .ctx = &o,
            .train_fraction = opts->train_fraction, .split = ml_key_of(opts->seed, SPLIT_STREAM), .base = opts->base,
    };
    return mli_pairs_check(&pairs) && mli_pairs_make(&pairs, train, test);
}
