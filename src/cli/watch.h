/* Files that are looked at until one of them is saved. */
#ifndef MOONLAB_CLI_WATCH_H
#define MOONLAB_CLI_WATCH_H

#include <stdbool.h>

typedef struct watch watch;
watch *watch_open(void);                         /* NULL when there is no memory */
bool   watch_add(watch *w, const char *path);    /* known already is fine; one that is not there yet, too */
bool   watch_changed(watch *w, const char **path); /* since the last call that said so; then the path is one that has */
void   watch_wait(watch *w, int other, int milliseconds); /* until a file may have changed, or other can be read (-1: none) */
void   watch_close(watch *w);                    /* NULL is fine */

#endif
