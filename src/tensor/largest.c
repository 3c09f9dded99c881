/* Which large values are in use, and where they were made: a fixed table, so that noting needs no memory and cannot fail.
 * When it is full, the smallest gives way. */
#include "tensor/tensor_impl.h"

#include <pthread.h>
#include <stdio.h>

#define N_NOTES 256

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    const ml_storage *storage; /* NULL: free */
    ml_largest        what;
} notes[N_NOTES];

void mli_note(const ml_storage *storage, const ml_shape *shape, ml_dtype dtype)
{
    ml_largest  what = { storage->bytes, *shape, dtype, "" };
    const char *site = ml_site();
    if (site) snprintf(what.site, sizeof what.site, "%s", site);
    pthread_mutex_lock(&lock);
    int at = 0;
    for (int i = 0; i < N_NOTES && notes[at].storage; i++)
        if (!notes[i].storage || notes[i].what.bytes < notes[at].what.bytes) at = i;
    if (!notes[at].storage || notes[at].what.bytes < what.bytes) {
        notes[at].storage = storage;
        notes[at].what    = what;
    }
    pthread_mutex_unlock(&lock);
}

void mli_forget(const ml_storage *storage)
{
    pthread_mutex_lock(&lock);
    for (int i = 0; i < N_NOTES; i++)
        if (notes[i].storage == storage) notes[i].storage = NULL;
    pthread_mutex_unlock(&lock);
}

bool ml_memory_largest(ml_largest *largest)
{
    bool found = false;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < N_NOTES; i++) {
        if (!notes[i].storage || (found && notes[i].what.bytes <= largest->bytes)) continue;
        *largest = notes[i].what;
        found    = true;
    }
    pthread_mutex_unlock(&lock);
    return found;
}
