/* Scopes: one stack of tensors a thread; a scope is a mark in it. What is above the mark goes when it ends, and the
 * stack itself when its thread does. */
#include "tensor/tensor_impl.h"

#include <pthread.h>

static _Thread_local struct {
    ml_tensor **items;
    size_t      used, capacity;
} stack;

ml_scope ml_scope_begin(void)
{
    return (ml_scope){ stack.used };
}

void ml_scope_end(ml_scope *scope)
{
    while (stack.used > scope->mark) ml_release(stack.items[--stack.used]);
    if (stack.used == 0 && stack.capacity > 4096) { /* one huge scope should not hold its list for ever */
        ml_realloc(stack.items, stack.capacity * sizeof *stack.items, 0);
        stack.items    = NULL;
        stack.capacity = 0;
    }
}

static pthread_key_t  at_thread_exit;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void end_all(void *unused)
{
    (void)unused;
    ml_scope_end(&(ml_scope){ 0 });
    if (stack.items) ml_realloc(stack.items, stack.capacity * sizeof *stack.items, 0);
    stack.items    = NULL;
    stack.capacity = 0;
}

static void make_key(void)
{
    (void)pthread_key_create(&at_thread_exit, end_all);
}

bool mli_scope_adopt(ml_tensor *t)
{
    if (stack.used == stack.capacity) {
        pthread_once(&once, make_key);
        (void)pthread_setspecific(at_thread_exit, &stack); /* any value but NULL: the destructor knows the stack */
        size_t      capacity = stack.capacity ? 2 * stack.capacity : 256;
        ml_tensor **items    = ml_realloc(stack.items, stack.capacity * sizeof *items, capacity * sizeof *items);
        if (!items) return false;
        stack.items    = items;
        stack.capacity = capacity;
    }
    stack.items[stack.used++] = t;
    return true;
}

ml_tensor *ml_scope_return(ml_scope *scope, ml_tensor *result)
{
    ml_retain(result);
    ml_scope_end(scope);
    if (!result) return NULL;
    if (mli_scope_adopt(result)) return result;
    ml_release(result);
    return NULL;
}
