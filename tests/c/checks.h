/* checks.h - comparing tensors, and counting what was compared over all processes of a test program.
 *
 * Criterion runs each test in a process of its own. What a process counts and notes goes to one file that the runner
 * sums up and prints at the end. Programs that link checks.c get both; a suite has
 * .init = begin_test, .fini = end_test. */
#ifndef TESTS_CHECKS_H
#define TESTS_CHECKS_H

#include "support.h"
#include "moonlab/tensor.h"

void begin_test(void); /* one thread: waiting ones would cost more than the work */
void end_test(void);   /* nothing may be left but the list of the scopes */
void tally_note(const char *format, ...) ML_PRINTF(1, 2); /* a line for the end of the run; shown once */
void tally_count(int n);                                  /* n more checks */

/* The condition holds, or the test fails with the words; it goes on either way. Returns the condition. */
bool expect(bool condition, const char *format, ...) ML_PRINTF(2, 3);

double *values_of(const ml_tensor *t); /* as f64, row-major; free() */

/* Same shape and values: |a - b| <= tolerance * max(1, |b|'s largest), NaN equals NaN, infinities equal themselves. */
bool expect_close(const ml_tensor *a, const ml_tensor *b, double tolerance, const char *format, ...)
    ML_PRINTF(4, 5);
/* Same shape, dtype and bits; NaN equals NaN. */
bool expect_same(const ml_tensor *a, const ml_tensor *b, const char *format, ...) ML_PRINTF(3, 4);
/* A pending message that begins with the operation's name. Clears it. */
bool expect_message(const char *op, const char *format, ...) ML_PRINTF(2, 3);
/* Each allocation of what is tried may be refused: it then says so, and leaves nothing behind. True = it worked. */
void expect_survives_refused_memory(bool (*try_all)(void));

#endif
